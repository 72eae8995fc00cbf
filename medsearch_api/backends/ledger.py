"""The ledger's current totals, re-read only when the ledger has been rewritten."""

from __future__ import annotations

from threading import Lock

from medsearch_core.errors import ObjectNotFound
from medsearch_core.storage.ledger import LedgerTotals, read_totals
from medsearch_core.storage.warehouse import LEDGER_PATH, Warehouse


class LedgerReader:
    """Caches the totals of one version of the ledger. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._etag: str | None = None
        self._totals: LedgerTotals | None = None

    def totals(self, warehouse: Warehouse) -> LedgerTotals | None:
        """Return the totals, or None if there is no ledger yet.

        The ETag is fetched before the rows, so a ledger that is rewritten in between is re-read next time.

        Raises:
            StorageError: the ledger exists but cannot be read.
        """
        with self._lock:
            try:
                etag = warehouse.store.info(LEDGER_PATH).etag
            except ObjectNotFound:
                return None
            if etag != self._etag or not etag:
                self._totals, self._etag = read_totals(warehouse), etag
            return self._totals
