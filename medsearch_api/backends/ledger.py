"""The ledger's totals as the warehouse has them now, read again only when the ledger was written again."""

from __future__ import annotations

from threading import Lock

from medsearch_core.errors import ObjectNotFound
from medsearch_core.storage.ledger import LedgerTotals, read_totals
from medsearch_core.storage.warehouse import LEDGER_PATH, Warehouse


class LedgerReader:
    """Remembers the totals of one version of the ledger. May be used by several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._etag: str | None = None
        self._totals: LedgerTotals | None = None

    def totals(self, warehouse: Warehouse) -> LedgerTotals | None:
        """The totals; None while there is no ledger.

        The tag is asked for before the rows are read, so a ledger written meanwhile is read again the next time.

        Raises:
            StorageError: the ledger is there and cannot be read.
        """
        with self._lock:
            try:
                etag = warehouse.store.info(LEDGER_PATH).etag
            except ObjectNotFound:
                return None
            if etag != self._etag or not etag:
                self._totals, self._etag = read_totals(warehouse), etag
            return self._totals
