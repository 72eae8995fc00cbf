"""The ledger's totals: the number of landed objects by state and reason. Counts only, no keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from medsearch_core.errors import ObjectNotFound, StorageError
from medsearch_core.records import STATES, TOMBSTONES
from medsearch_core.storage.sql import query_tables
from medsearch_core.storage.warehouse import LEDGER_PATH, Warehouse

COLUMNS = ("state", "kind", "reason", "images")

_TOTALS = """
    SELECT state, reason, count(*) AS objects, count(*) FILTER (kind = 'report') AS reports, sum(images)::BIGINT AS images
    FROM ledger GROUP BY state, reason ORDER BY state, reason NULLS FIRST
"""


@dataclass(frozen=True, kw_only=True)
class StateTotal:
    """The objects of one state: their number, the number of reports and images among them, and the number per reason."""

    state: str
    objects: int = 0
    reports: int = 0
    images: int = 0
    reasons: Mapping[str, int]


@dataclass(frozen=True)
class LedgerTotals:
    """The totals of all `STATES`, in order."""

    states: Sequence[StateTotal]

    def of(self, state: str) -> StateTotal:
        """The total of one state."""
        return next(total for total in self.states if total.state == state)

    @property
    def landed(self) -> int:
        """The number of landed objects: all states except tombstones."""
        return sum(total.objects for total in self.states if total.state not in TOMBSTONES)


def totals_of(ledger: pa.Table) -> LedgerTotals:
    """The totals of a ledger's rows. Needs only `COLUMNS`."""
    rows = query_tables(_TOTALS, ledger=ledger).to_pylist()
    found = []
    for state in STATES:
        of = [row for row in rows if row["state"] == state]
        sums = {name: sum(row[name] for row in of) for name in ("objects", "reports", "images")}
        found.append(StateTotal(state=state, reasons={r["reason"]: r["objects"] for r in of if r["reason"]}, **sums))
    return LedgerTotals(found)


def read_totals(warehouse: Warehouse) -> LedgerTotals | None:
    """The totals of the warehouse's ledger; None if there is none yet.

    Raises:
        StorageError: it exists and cannot be read.
    """
    try:
        return totals_of(warehouse.columns(LEDGER_PATH, COLUMNS))
    except ObjectNotFound:
        return None
    except (pa.ArrowException, duckdb.Error) as error:
        raise StorageError(f"the ledger cannot be read: {type(error).__name__}") from error
