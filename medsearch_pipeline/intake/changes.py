"""Pure decisions about an observation: which objects changed, which other rows must change with them, and the resulting
changes.

Belongs here: rules over known rows and observations. `recorder` reads the store, and `placement` places a single object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from medsearch_core.columns import records_of, table_of
from medsearch_core.errors import RemovalUnconfirmed
from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedChange, LandedObject
from medsearch_core.storage.object_store import ObjectInfo
from medsearch_core.storage.sql import query_tables
from medsearch_pipeline.intake.inventory import keys_between, rows_of
from medsearch_pipeline.intake.placement import needs_study
from medsearch_pipeline.intake.report_joining import rejoin_reports
from medsearch_pipeline.settings.layout import Layout

MAX_UNCONFIRMED_REMOVALS = 100
"""This many objects may disappear at once without confirmation, unless none is left."""

Rows = Mapping[str, LandedObject | None]
"""Key → its row, or None."""

_MISMARKED = """
    WITH shared AS (
        SELECT study FROM landed WHERE kind != 'rejected' AND patient IS NOT NULL
        GROUP BY study HAVING count(DISTINCT patient) > 1
    ), marked AS (SELECT *, kind != 'rejected' AND study IN (SELECT study FROM shared) AS is_shared FROM landed)
    SELECT * EXCLUDE (is_shared, is_study_shared), is_shared AS is_study_shared FROM marked
    WHERE is_study_shared != coalesce(is_shared, false)
"""


@dataclass(frozen=True, slots=True)
class Observation:
    """An object as observed in the store; `info` is None if it was not there."""

    key: str
    info: ObjectInfo | None


def observations_between(rows: pa.Table, after: str, found: Sequence[ObjectInfo], is_end: bool) -> list[Observation]:
    """The observations of a scan: the objects it found, and the absence of all other keys between `after` and its last.

    Args:
        rows: known when the scan began. An object recorded since then does not count as absent.
        is_end: whether the scan reached the end of the store.
    """
    last = None if is_end else found[-1].key if found else after
    there = {info.key: Observation(info.key, info) for info in found}
    gone = [Observation(key, None) for key in keys_between(rows, after, last) if key not in there]
    return [*there.values(), *gone]


def find_changed(rows: pa.Table, observations: Sequence[Observation]) -> list[Observation]:
    """The observations that differ from the known rows, the last one per key. Equal size and tag mean the same object."""
    last = list({each.key: each for each in observations}.values())
    at = pc.index_in(pa.array([each.key for each in last], pa.string()), value_set=rows["key"].combine_chunks())
    known = rows.select(["bytes", "etag", "reason"]).take(at).to_pydict()
    is_known = pc.is_valid(at).to_pylist()
    return [
        each
        for each, there, size, etag, reason in zip(last, is_known, known["bytes"], known["etag"], known["reason"], strict=True)
        if (each.info is None and there) or (each.info is not None and not _is_same(each.info, there, size, etag, reason))
    ]


def assign_reports(rows: pa.Table, now: Rows, layout: Layout, is_whole: bool = False) -> dict[str, LandedObject | None]:
    """Changed rows with their consequences: `now`, and every other row that must change with it.

    Reports that are not placed by their key are joined to studies again where a changed image or report may affect that.
    Studies with the same id under several patients are marked on all their rows, and unmarked when that ends.

    Args:
        rows: the known rows.
        now: changed keys with their new rows, which for a report without a study in its key may be joined or not.
        is_whole: decide all reports, not only those that `now` affects.
    """
    landed = replace_rows(rows, now)
    before = rows_of(rows, now)
    moved = [key for key in now if _placing(before.get(key), layout) != _placing(now[key], layout)]
    changed = [item for key in moved for item in (before.get(key), now[key]) if item]
    reports = rejoin_reports(rows, landed, changed, layout, is_whole=is_whole) if changed or is_whole else {}
    held = rows_of(landed, reports)
    joined = {key: _keep_shared_mark(item, held[key]) for key, item in reports.items()}
    after = {**now, **joined}
    mismarked = records_of(LandedObject, query_tables(_MISMARKED, landed=replace_rows(rows, after)))
    return {**after, **{item.key: item for item in mismarked}}


def replace_rows(rows: pa.Table, now: Rows) -> pa.Table:
    """The known rows, with those of these keys replaced."""
    if not now:
        return rows
    kept = rows.filter(pc.invert(pc.is_in(rows["key"], pa.array(list(now), pa.string()))))
    return pa.concat_tables([kept, table_of(LandedObject, [item for item in now.values() if item]).cast(rows.schema)])


def changes_between(before: Rows, now: Rows) -> list[LandedChange]:
    """The journal's rows for every changed key, by key. An object that moves to another study is first removed from the old
    one."""
    changes = []
    for key in sorted(now):
        was, item = before.get(key), now[key]
        if was == item:
            continue
        if was and (item is None or (was.study and _study(was) != _study(item))):
            changes.append(_change(was, "removed"))
            was = None
        if item:
            changes.append(_change(item, _kind_of(was, item)))
    return changes


def check_mass_deletion(known_count: int, removed_count: int) -> None:
    """Requires confirmation for a mass deletion, because a folder that is not mounted looks the same.

    Raises:
        RemovalUnconfirmed: no object would be left, or more than half and more than `MAX_UNCONFIRMED_REMOVALS` would go.
    """
    if removed_count and (
        removed_count == known_count or (removed_count > MAX_UNCONFIRMED_REMOVALS and 2 * removed_count > known_count)
    ):
        raise RemovalUnconfirmed(
            f"{removed_count} of {known_count} known objects are no longer in the landing store: check that it is "
            "mounted and complete. If they were deleted on purpose, run inventory_job with the run config "
            "{ops: {inventory: {config: {confirm_removal: true}}}}"
        )


def _is_same(info: ObjectInfo, is_known: bool, size: int | None, etag: str | None, reason: str | None) -> bool:
    is_same = is_known and (info.bytes, info.etag) == (size, etag) and bool(info.etag)
    return is_same and reason != "unreadable_object"


def _kind_of(was: LandedObject | None, item: LandedObject) -> str:
    if was is None or _study(was) != _study(item):
        return "added"
    is_retagged = item.etag != was.etag and item.version == (was.version or was.etag)
    is_otherwise_same = replace(item, etag=was.etag, version=was.version) == was
    return "retagged" if is_retagged and is_otherwise_same else "replaced"


def _change(item: LandedObject, change: str) -> LandedChange:
    return LandedChange(**vars(item), change=change)


def _study(item: LandedObject | None) -> StudyKey | None:
    return StudyKey(item.patient, item.study) if item and item.patient and item.study else None


def _keep_shared_mark(item: LandedObject, before: LandedObject) -> LandedObject:
    is_same = _study(item) == _study(before)
    return replace(item, is_study_shared=before.is_study_shared) if is_same else item


def _placing(item: LandedObject | None, layout: Layout) -> tuple[object, ...] | None:
    """The fields of an object that can affect which study a report belongs to; all of a report without a study in its key."""
    if item is None:
        return None
    if needs_study(item, layout):
        return (item,)
    return item.kind, _study(item), item.report_names
