"""The dispatcher's pending studies between two ticks, and the journal entries it has taken: one object, one put.

One row per study; the names of the entries are in the footer, so that both are always consistent.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from medsearch_core.errors import ObjectNotFound, StorageError
from medsearch_core.keys import StudyKey
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.intake.dispatch import PendingStudy

PATH = "intake/waiting.parquet"
_TIME = pa.timestamp("us", tz="UTC")
_SCHEMA = pa.schema(
    [
        pa.field("patient", pa.string(), False),
        pa.field("study", pa.string(), False),
        pa.field("first", _TIME, False),
        pa.field("last", _TIME, False),
        pa.field("run_key", pa.string()),
    ]
)


@dataclass(frozen=True)
class State:
    """The pending studies, and the journal entries that are included or were dispatched."""

    rows: tuple[PendingStudy, ...] = ()
    taken: frozenset[str] = frozenset()


def read(warehouse: Warehouse) -> State | None:
    """The state after the last tick; None before the first.

    Raises:
        StorageError: it exists and cannot be read.
    """
    try:
        state = warehouse.written(PATH, _SCHEMA.names)
        rows = zip(*(state.rows[name].to_pylist() for name in _SCHEMA.names), strict=True)
        return State(tuple(PendingStudy(StudyKey(patient, study), *others) for patient, study, *others in rows), state.entries)
    except ObjectNotFound:
        return None
    except (pa.ArrowException, KeyError, ValueError) as error:
        raise StorageError(
            f"{PATH} cannot be read: delete it; journaled changes are dispatched again, and the ledger finds the rest"
        ) from error


def write(warehouse: Warehouse, state: State) -> None:
    """Replaces the state."""
    columns = [
        [row.study.patient for row in state.rows],
        [row.study.study for row in state.rows],
        [row.first for row in state.rows],
        [row.last for row in state.rows],
        [row.run_key for row in state.rows],
    ]
    warehouse.write(PATH, pa.table(columns, schema=_SCHEMA), entries=state.taken)


def dispatched_entries(warehouse: Warehouse) -> set[str] | None:
    """The names of the journal entries that the dispatcher has taken; None before its first tick. Raises like `read`."""
    state = read(warehouse)
    return None if state is None else set(state.taken)
