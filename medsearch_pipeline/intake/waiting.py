"""What waits for the dispatcher between two ticks, and which journal entries it has taken: one object, one put.

One row per study; the names of the entries are in the footer, so that neither can be newer than the other.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from medsearch_core.errors import ObjectNotFound, StorageError
from medsearch_core.keys import StudyKey
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.intake.dispatch import Waiting

PATH = "intake/waiting.parquet"
_TAKEN = b"medsearch.taken"
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
    """What waits, by study, and the journal entries that are in it or were dispatched."""

    rows: Sequence[Waiting] = ()
    taken: frozenset[str] = frozenset()


def read(warehouse: Warehouse) -> State | None:
    """The state after the last tick; None before the first.

    Raises:
        StorageError: it is there and cannot be read.
    """
    try:
        table = pq.read_table(pa.BufferReader(warehouse.store.read(PATH)))
        rows = zip(*(table[name].to_pylist() for name in _SCHEMA.names), strict=True)
        found = [Waiting(StudyKey(patient, study), *others) for patient, study, *others in rows]
        return State(found, _taken(table.schema))
    except ObjectNotFound:
        return None
    except (pa.ArrowException, KeyError, ValueError) as error:
        raise _damaged() from error


def write(warehouse: Warehouse, state: State) -> None:
    """Replaces the state."""
    columns = [
        [row.study.patient for row in state.rows],
        [row.study.study for row in state.rows],
        [row.first for row in state.rows],
        [row.last for row in state.rows],
        [row.run_key for row in state.rows],
    ]
    schema = _SCHEMA.with_metadata({_TAKEN: json.dumps(sorted(state.taken)).encode()})
    sink = io.BytesIO()
    pq.write_table(pa.table(columns, schema=schema), sink, compression="zstd")
    warehouse.store.write(PATH, sink.getvalue())


def taken(warehouse: Warehouse) -> set[str] | None:
    """The names of the journal entries that the dispatcher has taken; None before its first tick. Reads only the footer.

    Raises:
        StorageError: the state is there and cannot be read.
    """
    try:
        with warehouse.store.open(PATH) as file:
            return set(_taken(pq.read_schema(file)))
    except ObjectNotFound:
        return None
    except (pa.ArrowException, KeyError, ValueError) as error:
        raise _damaged() from error


def _taken(schema: pa.Schema) -> frozenset[str]:
    return frozenset(json.loads((schema.metadata or {})[_TAKEN]))


def _damaged() -> StorageError:
    return StorageError(
        f"{PATH} cannot be read: delete it, and what the journal holds is dispatched again; what waited before, the ledger finds"
    )
