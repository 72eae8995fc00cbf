"""Original objects from the landing store, verified to be byte for byte those that were indexed."""

from __future__ import annotations

import hashlib
import threading

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
        if source.bytes > self._settings.api_max_object_bytes:
            raise RequestError(413, "The original exceeds this service's size limit; raise MEDSEARCH_API_MAX_OBJECT_BYTES.")
        data = bytearray(source.bytes)
        view, at = memoryview(data), 0
        with self._landing().open(source.key) as file:
            while at < len(data):
                piece = file.readinto(view[at : at + PIECE_BYTES])  # type: ignore[attr-defined]
                if not piece:
                    raise RequestError(409, CHANGED)
                at += piece
            if file.read(1):
                raise RequestError(409, CHANGED)
        view.release()
        if hashlib.sha256(data).hexdigest() != source.sha256:
            raise RequestError(409, CHANGED)
        return bytes(data)

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
