"""Rendered pictures by their entity tag, the least recently used dropped first. Bounded in bytes, safe between threads."""

from __future__ import annotations

import threading
from collections import OrderedDict


class PictureCache:
    """Pictures in memory, `max_bytes` of them at most; one that is larger than an eighth of that is not kept."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._pictures: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self.bytes = 0

    def get(self, etag: str) -> bytes | None:
        """The picture, or None."""
        with self._lock:
            picture = self._pictures.get(etag)
            if picture is not None:
                self._pictures.move_to_end(etag)
            return picture

    def put(self, etag: str, picture: bytes) -> None:
        """Keeps a picture, and drops others until all fit."""
        if len(picture) > self._max_bytes // 8:
            return
        with self._lock:
            self.bytes += len(picture) - len(self._pictures.pop(etag, b""))
            self._pictures[etag] = picture
            while self.bytes > self._max_bytes:
                self.bytes -= len(self._pictures.popitem(last=False)[1])
