"""The journal: what was noticed in the landing store since the last inventory, one immutable object per round of observation.

An entry is one put and never changes, so any number of observers may write at once, and what is in it is durable before anybody
is told. Names begin with the time at which the observation began: read in the order of their names, the last change of a key
counts. Journal and inventory together are what is known to have landed (`inventory`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedChange, conformed, records_of
from medsearch_core.storage.warehouse import Warehouse

FOLDER = "intake/journal"
_TIME = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True)
class Entry:
    """What one round of observation noticed, and when it began."""

    name: str
    changes: Sequence[LandedChange]

    @property
    def observed(self) -> datetime:
        """When the observation began, UTC."""
        return observed(self.name)

    @property
    def studies(self) -> list[StudyKey]:
        """Every study that gained, lost or replaced an object, sorted; of a retagged one the study has the bytes already."""
        return sorted({StudyKey(c.patient, c.study) for c in self.changes if c.patient and c.study and c.change != "retagged"})


def append(warehouse: Warehouse, changes: Sequence[LandedChange], observed: datetime) -> str:
    """Writes an entry and returns its name. An object that left one study for another is two changes, the removal first."""
    name = f"{observed.astimezone(UTC).strftime(_TIME)}-{uuid.uuid4().hex[:12]}"
    warehouse.write_rows(LandedChange, path_of(name), list(changes))
    return name


def names(warehouse: Warehouse) -> list[str]:
    """The names of all entries, in their order."""
    return sorted(o.key.removeprefix(f"{FOLDER}/").removesuffix(".parquet") for o in warehouse.store.list(FOLDER))


def read(warehouse: Warehouse, name: str) -> Entry:
    """One entry.

    Raises:
        ObjectNotFound: an inventory contains it since it was listed, and it was deleted.
    """
    rows = warehouse.written(path_of(name)).rows
    return Entry(name, records_of(LandedChange, conformed(LandedChange, rows)))


def observed(name: str) -> datetime:
    """When the observation of an entry began, UTC."""
    return datetime.strptime(name.partition("-")[0], _TIME).replace(tzinfo=UTC)


def remove(warehouse: Warehouse, entries: Iterable[str]) -> None:
    """Deletes entries, oldest first."""
    for name in sorted(entries):
        warehouse.store.delete(path_of(name))


def path_of(name: str) -> str:
    """Where an entry lies in the warehouse."""
    return f"{FOLDER}/{name}.parquet"
