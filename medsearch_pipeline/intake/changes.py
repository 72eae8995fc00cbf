"""Pure decisions of an observation: what is not as it is known, what follows for other objects, and what changed.

Belongs here: rules over known rows and over what was seen. Reading the store is `recorder`'s work, placing one object
`placement`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from medsearch_core.errors import RemovalUnconfirmed
from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedChange, LandedObject, records_of, table_of
from medsearch_core.storage.object_store import ObjectInfo
from medsearch_core.storage.sql import query_tables
from medsearch_pipeline.intake.inventory import keys_between, rows_of
from medsearch_pipeline.intake.placement import needs_study
from medsearch_pipeline.intake.report_joining import rejoin_reports
from medsearch_pipeline.settings.layout import Layout

MAX_UNCONFIRMED_REMOVALS = 100
"""So many objects may go at once without a question, unless none is left."""

Rows = Mapping[str, LandedObject | None]
"""Key → its row; None where there is none."""

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
    """An object as the store had it when it was looked at; `info` is None if it was not there."""

    key: str
    info: ObjectInfo | None


def observations_between(rows: pa.Table, after: str, found: Sequence[ObjectInfo], is_end: bool) -> list[Observation]:
    """What a scan tells: the objects it found, and that all other keys between `after` and its last are not there.

    Args:
        rows: what was known when the scan began; what came to be known since is not gone because the scan lacks it.
        is_end: whether the scan reached the end of the store.
    """
    last = None if is_end else found[-1].key if found else after
    there = {info.key: Observation(info.key, info) for info in found}
    gone = [Observation(key, None) for key in keys_between(rows, after, last) if key not in there]
    return [*there.values(), *gone]


def find_changed(rows: pa.Table, observations: Sequence[Observation]) -> list[Observation]:
    """What was seen otherwise than it is known, the last of each key. The same size and tag are the same object."""
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
    """What follows from changed rows: `now` with every other row that has to change with it.

    Reports that no key places are joined to studies again where a changed image or report may decide it. Studies of one id
    under several patients are marked, and unmarked, on all their rows.

    Args:
        rows: what is known.
        now: keys that change, with their rows to be; of a report that waits for its study, joined or not.
        is_whole: decide over all reports, not only over those that `now` touches.
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
    """Known rows with these in their place."""
    if not now:
        return rows
    kept = rows.filter(pc.invert(pc.is_in(rows["key"], pa.array(list(now), pa.string()))))
    return pa.concat_tables([kept, table_of(LandedObject, [item for item in now.values() if item]).cast(rows.schema)])


def changes_between(before: Rows, now: Rows) -> list[LandedChange]:
    """The journal's rows for every key that is not as before, by key. One that left its study is first removed from it."""
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
    """Refuses to believe that most of a landing store is gone; a folder that is not mounted looks the same.

    Raises:
        RemovalUnconfirmed: nothing would be left, or more than half, and more than `MAX_UNCONFIRMED_REMOVALS`, would go.
    """
    if removed_count and (
        removed_count == known_count or (removed_count > MAX_UNCONFIRMED_REMOVALS and 2 * removed_count > known_count)
    ):
        raise RemovalUnconfirmed(
            f"{removed_count} of {known_count} known objects are not in the landing store any more: see whether it is "
            "mounted and whole. If they were removed on purpose, run inventory_job with the run config "
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
    """What of an object may decide whose a report is; of a report that waits for its study all of it."""
    if item is None:
        return None
    if needs_study(item, layout):
        return (item,)
    return item.kind, _study(item), item.report_names
