"""Pure decisions: which study each landed object belongs to, if any.

Belongs here: rules over listings and headers. `recorder` reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from medsearch_core.errors import BadInput
from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedObject, Rejection
from medsearch_core.storage.object_store import LINK_ETAG, ObjectInfo
from medsearch_pipeline.intake.system_files import is_system_file
from medsearch_pipeline.settings.layout import Layout

STAGE = "inventory"
NO_STUDY, NO_MATCHING_STUDY = "report_without_study", "not matched to a study yet"


def is_report(key: str) -> bool:
    """Whether a key names a text report."""
    return key.lower().endswith(".txt")


def folder_of(key: str) -> str:
    """The folder of a key, up to its last `/`."""
    return key[: key.rfind("/") + 1]


def report_name(key: str) -> str:
    """A report's file name without `.txt`."""
    return key[key.rfind("/") + 1 :][:-4]


def needs_study(item: LandedObject, layout: Layout) -> bool:
    """Whether an object is a report whose study must be found by the landed images, found or not."""
    return (item.kind == "report" or item.reason == NO_STUDY) and layout.study_of(item.key) is None


def without_study(item: LandedObject) -> LandedObject:
    """A report in its state before it was joined to a study."""
    return replace(
        item, kind="rejected", patient=None, study=None, reason=NO_STUDY, detail=NO_MATCHING_STUDY, is_study_shared=False
    )


def looks_like_dicom(key: str) -> bool:
    """Whether a key looks like DICOM: by its extension, or by having none, as Media Storage file IDs do (PS3.10 section
    8.2)."""
    return PurePosixPath(key).suffix.lower() in {"", ".dcm", ".dicom", ".ima", ".dic"}


def rejected_object(info: ObjectInfo, reason: str, detail: str, study: StudyKey | None = None) -> LandedObject:
    """An object that is rejected or excluded, with the reason."""
    return LandedObject(
        key=info.key,
        bytes=info.bytes,
        etag=info.etag,
        kind="rejected",
        patient=study.patient if study else None,
        study=study.study if study else None,
        report_names=[],
        reason=reason,
        detail=detail,
    )


def placed_object(info: ObjectInfo, study: StudyKey, kind: str) -> LandedObject:
    """An object of a known study."""
    return LandedObject(
        key=info.key,
        bytes=info.bytes,
        etag=info.etag,
        kind=kind,
        patient=study.patient,
        study=study.study,
        report_names=[],
    )


def place_by_key(info: ObjectInfo, layout: Layout) -> LandedObject | None:
    """The placement of an object by its listing alone; None if its header must be read."""
    if is_system_file(info.key):
        return rejected_object(info, "system_file", "excluded by its name: rename it if it is data")
    if info.key.endswith("/") and info.bytes == 0:
        return rejected_object(info, "unrecognised_object", "an empty folder marker")
    if not info.is_addressable:
        return rejected_object(info, "unaddressable_name", "rename the object: no store can address this name")
    study = layout.study_of(info.key)
    if info.etag == LINK_ETAG:
        return rejected_object(info, "link", "deliver the file itself; links are not followed", study)
    if info.bytes == 0:
        return rejected_object(info, "empty_object", "the object has no bytes", study)
    if study:
        return placed_object(info, study, "report" if is_report(info.key) else "dicom")
    if is_report(info.key):  # its study is decided once every study is known
        return rejected_object(info, NO_STUDY, NO_MATCHING_STUDY)
    return None


def place_unreadable(info: ObjectInfo, fault: BadInput) -> LandedObject:
    """An object whose header had to name its study and does not."""
    if fault.reason == "not_dicom" and not looks_like_dicom(info.key):
        return rejected_object(info, "unrecognised_object", "not a DICOM object or a .txt report")
    return rejected_object(info, fault.reason, fault.detail)


def is_unchanged(info: ObjectInfo, before: LandedObject | None) -> bool:
    """Whether an object is unchanged: the same size and tag, and its header was readable if needed."""
    is_same = before is not None and (before.etag, before.bytes) == (info.etag, info.bytes) and bool(info.etag)
    return is_same and before is not None and before.reason != "unreadable_object"


def rejections_of(objects: Sequence[LandedObject]) -> list[Rejection]:
    """The rejection rows of an inventory."""
    return [
        Rejection(key=o.key, stage=STAGE, reason=o.reason, detail=o.detail or "", patient=o.patient, study=o.study)
        for o in objects
        if o.reason
    ]
