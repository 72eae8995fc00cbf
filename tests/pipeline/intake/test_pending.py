"""What waits, in the warehouse."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from medsearch_core.errors import StorageError
from medsearch_core.keys import StudyKey
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.intake import pending
from medsearch_pipeline.intake.dispatch import PendingStudy
from medsearch_pipeline.intake.pending import State

FIRST, LAST = datetime(2026, 1, 1, 12, 0, 0, 123456, UTC), datetime(2026, 1, 1, 13, tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(open_store(str(tmp_path)))


def test_what_is_written_is_read_to_the_microsecond(warehouse: Warehouse) -> None:
    rows = (
        PendingStudy(StudyKey("p1", "s1"), FIRST, LAST),
        PendingStudy(StudyKey("p1", "s2"), FIRST, FIRST, "ingest-t-0"),
    )
    state = State(rows, frozenset({"20260101T120000.000000Z-a", "20260101T130000.000000Z-b"}))
    pending.write(warehouse, state)
    assert pending.read(warehouse) == state
    assert pending.dispatched_entries(warehouse) == state.taken


def test_nothing_may_wait_and_nothing_be_taken(warehouse: Warehouse) -> None:
    pending.write(warehouse, State())
    assert pending.read(warehouse) == State()
    assert pending.dispatched_entries(warehouse) == set()


def test_before_the_first_tick_there_is_no_state(warehouse: Warehouse) -> None:
    assert pending.read(warehouse) is None
    assert pending.dispatched_entries(warehouse) is None


@pytest.mark.parametrize("damaged", [b"", b"PAR1 but for the rest"])
def test_a_damaged_state_is_no_empty_one(warehouse: Warehouse, damaged: bytes) -> None:
    warehouse.store.write(pending.PATH, damaged)
    for read in (pending.read, pending.dispatched_entries):
        with pytest.raises(StorageError, match=r"waiting\.parquet"):
            read(warehouse)
