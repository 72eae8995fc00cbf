"""Recording what was seen in the landing store: one journal entry with what is not as it is known, or none.

`record` is what every observer calls; a `Round` is its parts, for those that look at more than they can hold at once. Reading
and appending only; the decisions are in `changes` and `discovery`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime

from medsearch_core.dicom.dataset import identity, read_dataset
from medsearch_core.errors import BadInput, ObjectUnreadable
from medsearch_core.keys import StudyKey, pseudonymous_study_key
from medsearch_core.records import LandedObject
from medsearch_core.storage.object_store import ObjectInfo, ObjectStore
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.intake import journal
from medsearch_pipeline.intake.changes import Seen, arranged, changes_between, refuse_emptying, unlike
from medsearch_pipeline.intake.inventory import Known, read_known, rows_of
from medsearch_pipeline.intake.placement import place_by_key, place_unreadable, placed, rejected, still_known
from medsearch_pipeline.intake.unchanged_content import InputsOf, SameBytes
from medsearch_pipeline.settings.layout import Layout

READERS = 16


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What a round found: the journal entry it wrote, if any, how many objects were otherwise than known, and whose.

    Args:
        retagged: objects under another tag with the bytes they had; they touch no study.
        studies: that gained, lost or replaced an object, or whose reports are to be told apart, sorted.
    """

    entry: str | None = None
    added: int = 0
    replaced: int = 0
    removed: int = 0
    retagged: int = 0
    unchanged: int = 0
    studies: Sequence[StudyKey] = ()


def record(
    landing: ObjectStore,
    warehouse: Warehouse,
    layout: Layout,
    secret: bytes,
    seen: Iterable[Seen],
    observed: datetime,
    inputs_of: InputsOf | None = None,
) -> Recorded:
    """Compares objects seen in the landing store with what is known and journals the differences.

    Args:
        secret: behind the keys of studies grouped by header, as `pseudonym_secret` gives it.
        observed: when looking at the store began.
        inputs_of: by which the same bytes under another tag are told from other bytes; without it they count as others.

    Raises:
        StorageError: a store failed. Nothing is journalled then.
    """
    found = Round(landing, warehouse, layout, secret, inputs_of or {})
    found.place(found.unlike(list(seen)))
    return found.finish(observed)


class Round:
    """One round of observation: what is known as it begins, everything seen, one journal entry at the end.

    Args:
        known: what is known; read now unless it is given.
        is_whole: all of the store is looked at: every report is joined anew.
        is_anew: every object is placed anew, whether or not it is as it is known.
        bytes_compared: how much may be read to tell the same bytes under another tag.
    """

    def __init__(
        self,
        landing: ObjectStore,
        warehouse: Warehouse,
        layout: Layout,
        secret: bytes,
        inputs_of: InputsOf,
        *,
        known: Known | None = None,
        is_whole: bool = False,
        is_anew: bool = False,
        bytes_compared: int = 2**30,
    ) -> None:
        self.known = known or read_known(warehouse)
        self._landing, self._warehouse, self._layout, self._secret = landing, warehouse, layout, secret
        self._is_whole, self._is_anew = is_whole, is_anew
        self._same_bytes = SameBytes(landing, warehouse, self.known.rows, inputs_of, bytes_compared)
        self._before: dict[str, LandedObject] = {}
        self._now: dict[str, LandedObject | None] = {}
        self._unchanged = 0

    def unlike(self, seen: Sequence[Seen]) -> list[Seen]:
        """What was seen otherwise than it is known, by key, and is to be placed; the rest is counted and needs no look."""
        found = list(seen) if self._is_anew else unlike(self.known.rows, seen)
        self._unchanged += len(seen) - len(found)
        self._before |= rows_of(self.known.rows, (each.key for each in found))
        return sorted(found, key=lambda each: each.key.encode())

    def place(self, seen: Sequence[Seen]) -> None:
        """Places objects that `unlike` gave, reading their headers where keys do not tell.

        Raises:
            StorageError: the store, and not an object, cannot be read.
        """
        retagged = self._same_bytes.among(
            [(each.info, self._before[each.key]) for each in seen if each.info and each.key in self._before]
        )

        unplaced = []
        for each in seen:
            item = retagged.get(each.key) or (self._placed(each.info, self._before.get(each.key)) if each.info else None)
            self._now[each.key] = item
            if each.info and item is None:
                unplaced.append(each.info)
        with ThreadPoolExecutor(READERS) as readers:
            for item in readers.map(self._read_header, unplaced):
                self._now[item.key] = self._keyed(item)

    def finish(self, observed: datetime, *, is_removal_confirmed: bool = True) -> Recorded:
        """Decides what follows from all that was seen, and journals it.

        Raises:
            RemovalUnconfirmed: most of what is known is gone, and nobody confirmed that.
        """
        rows = self.known.rows
        gone = sum(item is None for item in self._now.values())
        if not is_removal_confirmed:
            refuse_emptying(len(rows), gone)
        after = arranged(rows, self._now, self._layout, self._is_whole) if self._now or self._is_whole else {}
        before = rows_of(rows, after)
        changes = changes_between(before, after)
        entry = journal.append(self._warehouse, changes, observed) if changes else None
        kinds = {change.key: change.change for change in changes if change.key in self._now}
        counts = {kind: sum(each == kind for each in kinds.values()) for kind in ("retagged", "removed")}
        came = [key for key, kind in kinds.items() if kind in ("added", "replaced")]
        added = sum(key not in before for key in came)
        return Recorded(
            entry=entry,
            added=added,
            replaced=len(came) - added,
            unchanged=self._unchanged + len(self._now) - len(kinds),
            studies=journal.Entry(entry, changes).studies if entry else (),
            **counts,
        )

    def _placed(self, info: ObjectInfo, before: LandedObject | None) -> LandedObject | None:
        """Where an object goes as far as its key and what is known of it tell; None if its header must be read."""
        is_known = still_known(info, before)
        item = place_by_key(info, self._layout)
        is_judged = before is not None and before.kind == "rejected" and not self._is_anew
        if item is None and before and is_known and (before.study_instance_uid or is_judged):
            item = self._keyed(before)
        return replace(item, version=before.version) if item and before and is_known else item

    def _read_header(self, info: ObjectInfo) -> LandedObject:
        try:
            with self._landing.open(info.key) as file:
                who = identity(read_dataset(file, stop_before_pixels=True))
        except ObjectUnreadable:
            return rejected(info, "unreadable_object", "listed, but gone or forbidden when its header was read")
        except BadInput as fault:
            return place_unreadable(info, fault)
        names = {who.study_instance_uid, who.study_id, f"s{who.study_id}" if who.study_id else None, who.accession_number}
        return replace(
            placed(info, StudyKey("unkeyed", "unkeyed"), "dicom"),
            patient_id=who.patient_id or "",
            study_instance_uid=who.study_instance_uid,
            report_names=sorted(name for name in names if name),
        )

    def _keyed(self, item: LandedObject) -> LandedObject:
        if not item.study_instance_uid:
            return item
        study = pseudonymous_study_key(item.patient_id or "", item.study_instance_uid, self._secret)
        return replace(item, patient=study.patient, study=study.study)
