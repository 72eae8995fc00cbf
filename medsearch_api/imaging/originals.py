"""Original objects from the landing store, verified to be byte for byte those that were indexed."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator

from medsearch_api.backends.tables import ImageSource
from medsearch_api.imaging.errors import RequestError
from medsearch_api.settings import Settings
from medsearch_core.storage.object_store import ObjectStore
from medsearch_core.storage.open import open_store

PIECE_BYTES = 8 * 2**20
CHANGED = "The original in the landing store has changed since it was indexed. Ingest its study again."


class Originals:
    """Reads originals. The landing store is opened on first use, because searches do not need it.

    Args:
        settings: location of the store, and size limit of objects.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._store: ObjectStore | None = None

    def read(self, source: ImageSource) -> bytes:
        """Read the object in chunks of `PIECE_BYTES`, and no more bytes than were indexed.

        Raises:
            RequestError: 409, its size or SHA-256 is not the indexed one; 413, it exceeds the size limit.
            ConfigurationError: the configured landing store does not exist.
            StorageError: the object cannot be read.
        """
        return b"".join(map(bytes, self._pieces(source)))

    def copy(self, source: ImageSource, descriptor: int, check: Callable[[], None]) -> None:
        """Write the object to an empty open file, with only one chunk of it in this process's own memory.

        Args:
            check: called before each chunk; raises if the object is no longer wanted.

        Raises:
            RequestError, ConfigurationError, StorageError: as `read`. The file may then contain a part of the object.
        """
        at = 0
        for piece in self._pieces(source):
            check()
            at += os.pwrite(descriptor, piece, at)

    def _pieces(self, source: ImageSource) -> Iterator[memoryview]:
        """Yield the object's chunks; each is valid until the next. The digest is compared after the last one."""
        if source.bytes > self._settings.api_max_object_bytes:
            raise RequestError(413, "The original exceeds this service's size limit; raise MEDSEARCH_API_MAX_OBJECT_BYTES.")
        buffer, digest, left = memoryview(bytearray(min(PIECE_BYTES, source.bytes))), hashlib.sha256(), source.bytes
        with self._landing().open(source.key) as file:
            while left:
                count = file.readinto(buffer[: min(len(buffer), left)])  # type: ignore[attr-defined]
                if not count:
                    raise RequestError(409, CHANGED)
                piece = buffer[:count]
                digest.update(piece)
                yield piece
                left -= count
            if file.read(1):
                raise RequestError(409, CHANGED)
        if digest.hexdigest() != source.sha256:
            raise RequestError(409, CHANGED)

    def _landing(self) -> ObjectStore:
        with self._lock:
            if self._store is None:
                named = self._settings
                self._store = open_store(
                    named.landing,
                    named.s3,
                    must_exist=True,
                    follows_links=named.follow_links,
                    setting="MEDSEARCH_LANDING",
                )
            return self._store
