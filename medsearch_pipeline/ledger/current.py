"""The ledger as it would be decided now, in memory: for commands that show the state between two ledgers.

Nothing is written: replaced and deleted objects are recorded only by `ledger_job`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from medsearch_core.errors import StorageError
from medsearch_core.keys import StudyKey
from medsearch_core.search.index import SearchIndex
from medsearch_core.storage.warehouse import LEDGER_PATH, Warehouse
from medsearch_pipeline.intake import journal
from medsearch_pipeline.intake.inventory import PATH, read_inventory
from medsearch_pipeline.ledger.catalog import refresh_catalog, study_files
from medsearch_pipeline.ledger.states import LedgerInputs, decide_states
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.images import image_digest_for
from medsearch_pipeline.studies.reports import report_digest_for


@dataclass(frozen=True)
class CurrentLedger:
    """The rows a ledger would have now, and the catalog behind them."""

    rows: pa.Table
    catalog: pa.Table


def current_ledger(
    settings: Settings, warehouse: Warehouse, index: SearchIndex, studies: Collection[StudyKey] | None = None
) -> CurrentLedger:
    """The ledger as it would be decided now.

    Args:
        studies: Decide only these studies; None means all objects, including those of no study. For given studies their files
            are read, otherwise those that changed since the last catalog.

    Raises:
        ConfigurationError: the landing store has not been scanned yet.
        StorageError: store or index cannot be read.
    """
    retired = journal.retired(warehouse)  # before the inventory is read, which contains them
    known, before = read_inventory(warehouse, must_exist=True), _last_ledger(warehouse)
    inventory, names = known.rows, {*retired, *known.entries}
    noticed = journal.changes_in(warehouse, names - warehouse.entries(LEDGER_PATH))
    if studies is not None:
        inventory, before, noticed = (rows_of_studies(rows, studies) for rows in (inventory, before, noticed))
    catalog = refresh_catalog(warehouse).table if studies is None else study_files(warehouse, studies)
    inputs = LedgerInputs(
        inventory=inventory,
        run=warehouse.run_of(PATH),
        catalog=catalog,
        indexed=index.studies(),
        before=before,
        noticed=noticed,
    )
    return CurrentLedger(decide_states(inputs, image_digest_for(settings), report_digest_for(settings)), catalog)


def rows_of_studies(rows: pa.Table, studies: Collection[StudyKey]) -> pa.Table:
    """The rows of these studies in a table with the columns patient and study."""
    wanted = pa.array([study.partition for study in studies], pa.string())
    return rows.filter(pc.is_in(pc.binary_join_element_wise(rows["patient"], rows["study"], "/"), wanted))


def _last_ledger(warehouse: Warehouse) -> pa.Table:
    try:
        return warehouse.read(LEDGER_PATH)
    except pa.ArrowException as error:
        raise StorageError(f"{LEDGER_PATH} cannot be read: run ledger_job, which says what to do") from error
