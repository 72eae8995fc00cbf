"""Rendered pictures by their entity tag, the least recently used dropped first. Bounded in bytes, safe between threads."""

from __future__ import annotations

import threading
from collections import OrderedDict


class PictureCache:
    """Pictures in memory, `most_bytes` of them at most; one that is larger than an eighth of that is not kept."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self.bytes = 0

    def get(self, etag: str) -> bytes | None:
        """The picture, or None."""
        with self._lock:
            found = self._held.get(etag)
            if found is not None:
                self._held.move_to_end(etag)
            return found

    def put(self, etag: str, picture: bytes) -> None:
        """Keeps a picture, and drops others until all fit."""
        if len(picture) > self._most // 8:
            return
        with self._lock:
            self.bytes += len(picture) - len(self._held.pop(etag, b""))
            self._held[etag] = picture
            while self.bytes > self._most:
                self.bytes -= len(self._held.popitem(last=False)[1])
