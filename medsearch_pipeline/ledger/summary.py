"""The ledger compared with the last inventory, and its totals as an equation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from medsearch_core.errors import ConfigurationError
from medsearch_core.storage.ledger import LedgerTotals, totals_of
from medsearch_core.storage.warehouse import LEDGER_PATH, Warehouse
from medsearch_pipeline.intake.inventory import require_inventory
from medsearch_pipeline.ledger.reconciliation import unrecorded
from medsearch_pipeline.messages.counted import counted


@dataclass(frozen=True)
class Ledger:
    """The warehouse's ledger, compared with its last inventory.

    Args:
        listed: number of objects in the inventory.
        lost: keys that are in no table and not rejected.
        since: keys that changed in an inventory later than the ledger.
    """

    warehouse: Warehouse
    rows: pa.Table
    totals: LedgerTotals
    listed: int
    lost: Sequence[str]
    since: Sequence[str]

    @property
    def unaccounted(self) -> int:
        """How many objects are unaccounted for."""
        return len({*self.lost, *self.since})


def read_ledger(warehouse: Warehouse) -> Ledger:
    """The ledger, compared with the last inventory.

    Raises:
        ConfigurationError: there is no ledger.
    """
    if warehouse.inputs(LEDGER_PATH) is None:
        place = warehouse.store.url
        raise ConfigurationError(f"there is no ledger in {place}: run ledger_job in Dagster, or correct MEDSEARCH_WAREHOUSE")
    return compare_with_inventory(warehouse, warehouse.read(LEDGER_PATH))


def compare_with_inventory(warehouse: Warehouse, rows: pa.Table) -> Ledger:
    """The rows of a ledger, compared with the last inventory."""
    inventory = require_inventory(warehouse)
    lost = rows.filter(pc.equal(rows["state"], "unaccounted"))["key"].to_pylist()
    return Ledger(warehouse, rows, totals_of(rows), len(inventory), lost, unrecorded(inventory, rows))


def format_equation(ledger: Ledger) -> str:
    """The totals as an equation."""
    of, indexed = ledger.totals.of, ledger.totals.of("indexed")
    objects, images = counted(indexed.objects - indexed.reports, "DICOM object"), counted(indexed.images, "image")
    return (
        f"{counted(ledger.listed, 'object')} = {objects} indexed ({images}) + {counted(indexed.reports, 'report')} indexed "
        f"+ {of('pending').objects} pending + {of('rejected').objects} rejected + {of('excluded').objects} excluded "
        f"+ {ledger.unaccounted} unaccounted for"
    )
