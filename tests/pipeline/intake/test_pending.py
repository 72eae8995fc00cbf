"""What waits, in the warehouse."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from medsearch_core.errors import StorageError
from medsearch_core.keys import StudyKey
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.intake import pending as waiting
from medsearch_pipeline.intake.dispatch import Waiting
from medsearch_pipeline.intake.pending import State

FIRST, LAST = datetime(2026, 1, 1, 12, 0, 0, 123456, UTC), datetime(2026, 1, 1, 13, tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(open_store(str(tmp_path)))


def test_what_is_written_is_read_to_the_microsecond(warehouse: Warehouse) -> None:
    rows = (
        Waiting(StudyKey("p1", "s1"), FIRST, LAST),
        Waiting(StudyKey("p1", "s2"), FIRST, FIRST, "ingest-t-0"),
    )
    state = State(rows, frozenset({"20260101T120000.000000Z-a", "20260101T130000.000000Z-b"}))
    waiting.write(warehouse, state)
    assert waiting.read(warehouse) == state
    assert waiting.taken(warehouse) == state.taken


def test_nothing_may_wait_and_nothing_be_taken(warehouse: Warehouse) -> None:
    waiting.write(warehouse, State())
    assert waiting.read(warehouse) == State()
    assert waiting.taken(warehouse) == set()


def test_before_the_first_tick_there_is_no_state(warehouse: Warehouse) -> None:
    assert waiting.read(warehouse) is None
    assert waiting.taken(warehouse) is None


@pytest.mark.parametrize("damaged", [b"", b"PAR1 but for the rest"])
def test_a_damaged_state_is_no_empty_one(warehouse: Warehouse, damaged: bytes) -> None:
    warehouse.store.write(waiting.PATH, damaged)
    for read in (waiting.read, waiting.taken):
        with pytest.raises(StorageError, match=r"waiting\.parquet cannot be read: delete it"):
            read(warehouse)
