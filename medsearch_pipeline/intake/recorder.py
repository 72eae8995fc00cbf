"""Recording observations of the landing store: one journal entry with the differences from the known objects, or none.

Observers call `record`; those that scan more than fits in memory use a `ScanRound`, its parts. Reading and appending only; the
decisions are in `changes` and `placement`.
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
from medsearch_pipeline.intake.changes import Observation, assign_reports, changes_between, check_mass_deletion, find_changed
from medsearch_pipeline.intake.inventory import Inventory, read_inventory, rows_of
from medsearch_pipeline.intake.placement import is_unchanged, place_by_key, place_unreadable, placed_object, rejected_object
from medsearch_pipeline.intake.unchanged_content import ContentComparer, InputsDigests
from medsearch_pipeline.settings.layout import Layout

READERS = 16


@dataclass(frozen=True, kw_only=True)
class ScanResult:
    """The result of a round: its journal entry, if any, the numbers of changed objects, and their studies.

    Args:
        retagged: objects with a new tag and unchanged bytes; they affect no study.
        studies: that gained, lost or replaced an object, or whose study id became shared or unshared, sorted.
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
    observations: Iterable[Observation],
    observed: datetime,
    inputs_of: InputsDigests | None = None,
) -> ScanResult:
    """Compares observed objects with the known ones and journals the differences.

    Args:
        secret: for the keys of studies grouped by header, see `pseudonym_secret`.
        observed: when the observation began.
        inputs_of: needed to recognize unchanged bytes under a new tag; without it they count as changed.

    Raises:
        StorageError: a store failed. Nothing is journaled then.
    """
    scan = ScanRound(landing, warehouse, layout, secret, inputs_of or {})
    scan.assign_studies(scan.find_changed(list(observations)))
    return scan.commit(observed)


class ScanRound:
    """One round of observation: the known objects at its start, all observations, one journal entry at the end.

    Args:
        inventory: the known objects; read now unless given.
        is_whole: the whole store is scanned, so every report is joined again.
        replaces_all: every object is placed again, changed or not.
        bytes_compared: how many bytes may be read to recognize unchanged content under a new tag.
    """

    def __init__(
        self,
        landing: ObjectStore,
        warehouse: Warehouse,
        layout: Layout,
        secret: bytes,
        inputs_of: InputsDigests,
        *,
        inventory: Inventory | None = None,
        is_whole: bool = False,
        replaces_all: bool = False,
        bytes_compared: int = 2**30,
    ) -> None:
        self.inventory = inventory or read_inventory(warehouse)
        self._landing, self._warehouse, self._layout, self._secret = landing, warehouse, layout, secret
        self._is_whole, self._replaces_all = is_whole, replaces_all
        self._comparer = ContentComparer(landing, warehouse, self.inventory.rows, inputs_of, bytes_compared)
        self._before: dict[str, LandedObject] = {}
        self._now: dict[str, LandedObject | None] = {}
        self._unchanged = 0

    def find_changed(self, observations: Sequence[Observation]) -> list[Observation]:
        """The changed objects that must be placed, by key; the rest is only counted."""
        found = list(observations) if self._replaces_all else find_changed(self.inventory.rows, observations)
        self._unchanged += len(observations) - len(found)
        self._before |= rows_of(self.inventory.rows, (each.key for each in found))
        return sorted(found, key=lambda each: each.key.encode())

    def assign_studies(self, observations: Sequence[Observation]) -> None:
        """Places the objects of `find_changed`, reading headers where keys do not name the study.

        Raises:
            StorageError: the store itself, rather than one object, cannot be read.
        """
        retagged = self._comparer.find_unchanged(
            [(each.info, self._before[each.key]) for each in observations if each.info and each.key in self._before]
        )

        unplaced = []
        for each in observations:
            item = retagged.get(each.key) or (self._placed(each.info, self._before.get(each.key)) if each.info else None)
            self._now[each.key] = item
            if each.info and item is None:
                unplaced.append(each.info)
        with ThreadPoolExecutor(READERS) as readers:
            for item in readers.map(self._read_header, unplaced):
                self._now[item.key] = self._keyed(item)

    def commit(self, observed: datetime, *, is_removal_confirmed: bool = True) -> ScanResult:
        """Decides the consequences of all observations, and journals them.

        Raises:
            RemovalUnconfirmed: most known objects are missing, and nobody confirmed that.
        """
        rows = self.inventory.rows
        gone = sum(item is None for item in self._now.values())
        if not is_removal_confirmed:
            check_mass_deletion(len(rows), gone)
        after = assign_reports(rows, self._now, self._layout, self._is_whole) if self._now or self._is_whole else {}
        before = rows_of(rows, after)
        changes = changes_between(before, after)
        entry = journal.append(self._warehouse, changes, observed) if changes else None
        kinds = {change.key: change.change for change in changes if change.key in self._now}
        counts = {kind: sum(each == kind for each in kinds.values()) for kind in ("retagged", "removed")}
        came = [key for key, kind in kinds.items() if kind in ("added", "replaced")]
        added = sum(key not in before for key in came)
        return ScanResult(
            entry=entry,
            added=added,
            replaced=len(came) - added,
            unchanged=self._unchanged + len(self._now) - len(kinds),
            studies=journal.Entry(entry, changes).studies if entry else (),
            **counts,
        )

    def _placed(self, info: ObjectInfo, before: LandedObject | None) -> LandedObject | None:
        """The placement of an object by its key and its known row; None if its header must be read."""
        is_known = is_unchanged(info, before)
        item = place_by_key(info, self._layout)
        is_judged = before is not None and before.kind == "rejected" and not self._replaces_all
        if item is None and before and is_known and (before.study_instance_uid or is_judged):
            item = self._keyed(before)
        return replace(item, version=before.version) if item and before and is_known else item

    def _read_header(self, info: ObjectInfo) -> LandedObject:
        try:
            with self._landing.open(info.key) as file:
                who = identity(read_dataset(file, stop_before_pixels=True))
        except ObjectUnreadable:
            return rejected_object(info, "unreadable_object", "listed, but deleted or forbidden when its header was read")
        except BadInput as fault:
            return place_unreadable(info, fault)
        names = {who.study_instance_uid, who.study_id, f"s{who.study_id}" if who.study_id else None, who.accession_number}
        return replace(
            placed_object(info, StudyKey("unkeyed", "unkeyed"), "dicom"),
            patient_id=who.patient_id or "",
            study_instance_uid=who.study_instance_uid,
            report_names=sorted(name for name in names if name),
        )

    def _keyed(self, item: LandedObject) -> LandedObject:
        if not item.study_instance_uid:
            return item
        study = pseudonymous_study_key(item.patient_id or "", item.study_instance_uid, self._secret)
        return replace(item, patient=study.patient, study=study.study)
