"""The known landed objects: the last inventory with the journal's changes applied, as a table and as lookups in it.

Reading only. An entry may be deleted once an inventory contains it. So entries are listed before the inventory is read, and
reading starts over if an entry is missing: a reader always sees an inventory with all later changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock

import pyarrow as pa
import pyarrow.compute as pc

from medsearch_core.columns import conformed, records_of, schema_of, version_of
from medsearch_core.errors import ConfigurationError, ObjectNotFound, StorageError
from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedChange, LandedObject
from medsearch_core.storage.object_store import ObjectStore
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.intake import journal

PATH = "inventory.parquet"
MAX_ATTEMPTS = 10
MAX_CACHED_ROWS = 500_000

_cached_changes: dict[tuple[str, str], pa.Table] = {}
_lock = Lock()


@dataclass(frozen=True)
class Inventory:
    """The known landed objects.

    Args:
        rows: one row per object, in the schema of `LandedObject`.
        entries: the journal entries applied, including those that the inventory already contains.
        unmerged_entries: those that the inventory does not contain.
        inputs: what the inventory was made from; None before the first.
    """

    rows: pa.Table
    entries: Collection[str]
    unmerged_entries: Collection[str]
    inputs: str | None


def current_inventory(warehouse: Warehouse) -> pa.Table:
    """All known landed objects, one row each, in the schema of `LandedObject`; raises like `read_inventory`."""
    return read_inventory(warehouse).rows


def is_scanned(warehouse: Warehouse) -> bool:
    """Whether an inventory or a sensor has scanned the landing store."""
    return warehouse.inputs(PATH) is not None or bool(journal.names(warehouse))


def require_inventory(warehouse: Warehouse) -> pa.Table:
    """All known landed objects, once the store was scanned; raises like `read_inventory` with `must_exist`."""
    return read_inventory(warehouse, must_exist=True).rows


def read_inventory(warehouse: Warehouse, *, must_exist: bool = False) -> Inventory:
    """All known landed objects, and what they were read from.

    Raises:
        ConfigurationError: it must exist, and neither an inventory nor a sensor has scanned the landing store.
        StorageError: the inventory or an entry cannot be read.
    """
    for _ in range(MAX_ATTEMPTS):
        entries = journal.names(warehouse)
        try:
            inventory = warehouse.written(PATH)
            rows, contained = conformed(LandedObject, inventory.rows), inventory.entries
            origin = inventory.origin
            inputs = origin.inputs if origin and origin.version >= version_of(LandedObject) else None
        except ObjectNotFound:
            rows, contained, inputs = schema_of(LandedObject).empty_table(), frozenset[str](), None
        except pa.ArrowException as error:
            raise StorageError(f"{PATH} cannot be read: delete it and run inventory_job") from error
        uncontained = [name for name in entries if name not in contained]
        try:
            tables = [_changes(warehouse.store, name) for name in uncontained]
        except ObjectNotFound:
            continue  # a new inventory contains it
        if must_exist and inputs is None and not entries:
            raise ConfigurationError(f"there is no inventory in {warehouse.store.url}: run inventory_job")
        return Inventory(apply_changes(rows, tables), entries, uncontained, inputs)
    raise StorageError(f"the journal in {warehouse.store.url} is compacted repeatedly: check what runs inventory_job")


def apply_changes(rows: pa.Table, changes: Sequence[pa.Table]) -> pa.Table:
    """Known rows with changes applied, the last one of each key."""
    if not changes:
        return rows
    every = pa.concat_tables(changes)
    numbered = pa.table({"key": every["key"], "at": pa.array(range(len(every)), pa.int64())})
    last = every.take(numbered.group_by("key").aggregate([("at", "max")])["at_max"])
    kept = rows.filter(pc.invert(pc.is_in(rows["key"], last["key"])))
    came = last.filter(pc.not_equal(last["change"], "removed")).select(rows.column_names).cast(rows.schema)
    return pa.concat_tables([kept, came])


def studies_in(rows: pa.Table) -> list[StudyKey]:
    """Every study with an object among the rows, sorted, so that a patient's partitions are one contiguous range.

    A study whose objects are all rejected counts too: its assets are materialized with zero rows.
    """
    pairs = rows.group_by(["patient", "study"]).aggregate([]).to_pydict()
    return sorted(StudyKey(*pair) for pair in zip(pairs["patient"], pairs["study"], strict=True) if all(pair))


def rows_of(rows: pa.Table, keys: Iterable[str]) -> dict[str, LandedObject]:
    """The rows of these keys in an inventory; unknown keys are skipped."""
    wanted = pa.array(sorted(set(keys)), pa.string())
    return {o.key: o for o in records_of(LandedObject, rows.filter(pc.is_in(rows["key"], wanted)))}


def keys_between(rows: pa.Table, after: str, last: str | None) -> list[str]:
    """The known keys after `after` and up to `last` (None: to the end), compared as UTF-8 bytes, in any order."""
    keys = rows["key"]
    inside = pc.greater(keys, after)
    if last is not None:
        inside = pc.and_(inside, pc.less_equal(keys, last))
    found: list[str] = keys.filter(inside).to_pylist()
    return found


def objects_of(warehouse: Warehouse, studies: Iterable[StudyKey], *kinds: str) -> list[dict[StudyKey, list[LandedObject]]]:
    """For each kind the landed objects of each study, by key; an empty list if there are none."""
    wanted = list(studies)
    objects: dict[str, dict[StudyKey, list[LandedObject]]] = {kind: {study: [] for study in wanted} for kind in kinds}
    table = current_inventory(warehouse)
    patients = pa.array(sorted({study.patient for study in wanted}), pa.string())
    rows = table.filter(pc.and_(pc.is_in(table["kind"], pa.array(kinds)), pc.is_in(table["patient"], patients)))
    for item in records_of(LandedObject, rows.sort_by("key")):
        objects[item.kind].get(StudyKey(item.patient or "", item.study or ""), []).append(item)
    return list(objects.values())


def _changes(store: ObjectStore, name: str) -> pa.Table:
    """An entry's rows. Entries never change, so a process reads each only once."""
    place = store.url, name
    rows = _cached_changes.get(place)
    if rows is None:
        rows = conformed(LandedChange, Warehouse(store).written(journal.path_of(name)).rows)
        with _lock:
            _cached_changes[place] = rows
            while sum(len(each) for each in _cached_changes.values()) > MAX_CACHED_ROWS and len(_cached_changes) > 1:
                del _cached_changes[next(iter(_cached_changes))]
    return rows
