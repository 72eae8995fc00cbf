"""The journal: changes in the landing store since the last inventory, one immutable object per round of observation.

An entry is one put and never changes, so any number of observers may write concurrently, and an entry is durable before anyone
acts on it. Names begin with the time at which the observation began: in name order, the last change of a key counts. Journal
and inventory together give the known landed objects (`inventory`).

An entry that an inventory contains and the dispatcher has taken is retired: it adds nothing to the inventory, but the ledger
still has to record the versions that came and went.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from medsearch_core.columns import conformed, records_of, schema_of
from medsearch_core.errors import ObjectNotFound
from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedChange
from medsearch_core.storage.warehouse import Warehouse

FOLDER, RETIRED = "intake/journal", "intake/retired"
READERS = 16
_TIME = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True)
class Entry:
    """The changes of one round of observation, and when it began."""

    name: str
    changes: Sequence[LandedChange]

    @property
    def observed(self) -> datetime:
        """When the observation began, UTC."""
        return observed(self.name)

    @property
    def studies(self) -> list[StudyKey]:
        """Every study that gained, lost or replaced an object, sorted. An object with only a new tag does not count."""
        return sorted({StudyKey(c.patient, c.study) for c in self.changes if c.patient and c.study and c.change != "retagged"})


def append(warehouse: Warehouse, changes: Sequence[LandedChange], observed: datetime) -> str:
    """Writes an entry and returns its name. An object that moved between studies is two changes, the removal first."""
    name = f"{observed.astimezone(UTC).strftime(_TIME)}-{uuid.uuid4().hex[:12]}"
    warehouse.write_rows(LandedChange, path_of(name), list(changes))
    return name


def names(warehouse: Warehouse) -> list[str]:
    """The names of all entries that are not retired, in order."""
    return _names_in(warehouse, FOLDER)


def retired(warehouse: Warehouse) -> list[str]:
    """The names of the retired entries, in order."""
    return _names_in(warehouse, RETIRED)


def read(warehouse: Warehouse, name: str) -> Entry:
    """One entry.

    Raises:
        ObjectNotFound: it was compacted and deleted since it was listed.
    """
    rows = warehouse.written(path_of(name)).rows
    return Entry(name, records_of(LandedChange, conformed(LandedChange, rows)))


def observed(name: str) -> datetime:
    """When the observation of an entry began, UTC."""
    return datetime.strptime(name.partition("-")[0], _TIME).replace(tzinfo=UTC)


def changes_in(warehouse: Warehouse, entries: Iterable[str]) -> pa.Table:
    """The changes of entries, retired or not, in order, in the schema of `LandedChange`; deleted entries are skipped."""
    with ThreadPoolExecutor(READERS) as readers:
        found = readers.map(lambda name: _rows_of(warehouse, name), sorted(entries))
        return pa.concat_tables([schema_of(LandedChange).empty_table(), *(rows for rows in found if rows is not None)])


def retire(warehouse: Warehouse, entries: Iterable[str]) -> None:
    """Sets entries aside for the ledger, oldest first. An entry may briefly be in both places, which is harmless."""
    for name in sorted(entries):
        warehouse.store.write(path_of(name, RETIRED), warehouse.store.read(path_of(name)))
        warehouse.store.delete(path_of(name))


def remove(warehouse: Warehouse, entries: Iterable[str], folder: str = FOLDER) -> None:
    """Deletes entries, oldest first."""
    for name in sorted(entries):
        warehouse.store.delete(path_of(name, folder))


def path_of(name: str, folder: str = FOLDER) -> str:
    """The path of an entry in the warehouse."""
    return f"{folder}/{name}.parquet"


def _names_in(warehouse: Warehouse, folder: str) -> list[str]:
    return sorted(o.key.removeprefix(f"{folder}/").removesuffix(".parquet") for o in warehouse.store.list(folder))


def _rows_of(warehouse: Warehouse, name: str) -> pa.Table | None:
    for folder in (FOLDER, RETIRED):  # in the order in which an entry moves
        try:
            return conformed(LandedChange, warehouse.written(path_of(name, folder)).rows)
        except ObjectNotFound:
            continue
    return None
