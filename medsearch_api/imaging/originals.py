"""Original objects from the landing store, only as long as they are byte for byte those that the index was made from."""

from __future__ import annotations

import hashlib
import threading

from medsearch_api.backends.tables import ImageSource
from medsearch_api.imaging.errors import RequestError
from medsearch_api.settings import Settings
from medsearch_core.storage.object_store import ObjectStore
from medsearch_core.storage.open import open_store

PIECE_BYTES = 8 * 2**20
CHANGED = "The original in the landing store is no longer the one that was indexed: ingest its study again."


class Originals:
    """Reads originals. The landing store is opened when the first is asked for: search needs none.

    Args:
        settings: where the store is, and how large an object may be.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._store: ObjectStore | None = None

    def read(self, source: ImageSource) -> bytes:
        """The object, in ranged reads of `PIECE_BYTES`, never more than the bytes that were indexed.

        Raises:
            RequestError: 409, its size or SHA-256 is not the indexed one; 413, it is larger than this service reads.
            ConfigurationError: there is no landing store at that address.
            StorageError: it cannot be read.
        """
        if source.bytes > self._settings.api_max_object_bytes:
            raise RequestError(413, "The original is larger than this service reads (MEDSEARCH_API_MAX_OBJECT_BYTES).")
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
                self._store = open_store(
                    self._settings.landing, self._settings.s3, must_exist=True, setting="MEDSEARCH_LANDING"
                )
            return self._store
