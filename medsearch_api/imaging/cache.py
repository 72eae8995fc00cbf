"""A least-recently-used cache of rendered images by entity tag, bounded in bytes and thread-safe."""

from __future__ import annotations

import threading
from collections import OrderedDict


class PictureCache:
    """Holds images up to `max_bytes` in total; an image larger than an eighth of that is not cached."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._pictures: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self.bytes = 0

    def get(self, etag: str) -> bytes | None:
        """Return the image, or None if it is not cached."""
        with self._lock:
            picture = self._pictures.get(etag)
            if picture is not None:
                self._pictures.move_to_end(etag)
            return picture

    def put(self, etag: str, picture: bytes) -> None:
        """Cache an image, evicting others until everything fits."""
        if len(picture) > self._max_bytes // 8:
            return
        with self._lock:
            self.bytes += len(picture) - len(self._pictures.pop(etag, b""))
            self._pictures[etag] = picture
            while self.bytes > self._max_bytes:
                self.bytes -= len(self._pictures.popitem(last=False)[1])
