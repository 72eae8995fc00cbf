"""Which study each report belongs to, told slowly: object by object, folder by folder, as the rule is spelled."""

from __future__ import annotations

from collections.abc import Sequence

from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedObject
from medsearch_pipeline.intake.placement import folder_of, needs_study, report_name, without_study
from medsearch_pipeline.intake.report_joining import Candidates, join
from medsearch_pipeline.settings.layout import Layout


def joined_one_by_one(objects: Sequence[LandedObject], layout: Layout) -> list[LandedObject]:
    """The objects, every report that waits for its study joined by what all of them are."""
    images = [o for o in objects if o.kind == "dicom" and o.patient and o.study]
    waiting = [o for o in objects if needs_study(o, layout)]

    def nearest(report: LandedObject) -> str | None:
        folder = folder_of(report.key)
        while True:
            if any(is_below(o, folder) for o in images):
                return folder
            if folder.count("/") <= 1:
                return None
            folder = folder[: folder.rstrip("/").rfind("/") + 1]

    def is_below(item: LandedObject, folder: str) -> bool:
        return item.key.startswith(folder) if folder else "/" not in item.key

    def of(studies: set[StudyKey], place: str | None = None, reports: int = 1) -> Candidates:
        return Candidates(min(len(studies), 2), min(studies) if len(studies) == 1 else None, place, reports)

    def joined(report: LandedObject) -> LandedObject:
        place = nearest(report)
        named = {study_of(o) for o in images if report_name(report.key) in o.report_names}
        nearby = {study_of(o) for o in images if place is not None and is_below(o, place)}
        return join(without_study(report), of(named), of(nearby, place, sum(nearest(o) == place for o in waiting)))

    return [joined(o) if o in waiting else o for o in objects]


def study_of(item: LandedObject) -> StudyKey:
    """The study of an image."""
    return StudyKey(item.patient or "", item.study or "")
