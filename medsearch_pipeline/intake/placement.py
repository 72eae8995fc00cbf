"""Pure decisions of discovery: which study each landed object belongs to, and which it cannot.

Belongs here: rules over listings and headers already read. Reading them is the inventory's work.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from medsearch_core.errors import BadInput
from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedObject, Rejection
from medsearch_core.storage.object_store import DANGLING_LINK_ETAG, ObjectInfo
from medsearch_pipeline.settings.layout import Layout

STAGE = "inventory"
NO_STUDY, NO_MATCHING_STUDY = "report_without_study", "no landed study carries this report's name"


def is_report(key: str) -> bool:
    """Whether a key is a text report's."""
    return key.lower().endswith(".txt")


def folder_of(key: str) -> str:
    """The folder of a key, up to its last `/`."""
    return key[: key.rfind("/") + 1]


def report_name(key: str) -> str:
    """What a report's file is called, without `.txt`."""
    return key[key.rfind("/") + 1 :][:-4]


def needs_study(item: LandedObject, layout: Layout) -> bool:
    """Whether an object is a report whose study only the landed images tell, whether or not they do now."""
    return (item.kind == "report" or item.reason == NO_STUDY) and layout.study_of(item.key) is None


def without_study(item: LandedObject) -> LandedObject:
    """A report that waits for its study, as it was before it was joined to one."""
    return replace(
        item, kind="rejected", patient=None, study=None, reason=NO_STUDY, detail=NO_MATCHING_STUDY, is_study_shared=False
    )


def looks_like_dicom(key: str) -> bool:
    """Whether a key claims to be DICOM: by its ending, or by having none, as Media Storage file ids do (PS3.10 section 8.2)."""
    return PurePosixPath(key).suffix.lower() in {"", ".dcm", ".dicom", ".ima", ".dic"}


def rejected_object(info: ObjectInfo, reason: str, detail: str, study: StudyKey | None = None) -> LandedObject:
    """An object that goes no further, and why."""
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
    """Where an object goes as far as its listing tells; None if its header must be read."""
    if info.key.endswith("/") and info.bytes == 0:
        return rejected_object(info, "unrecognised_object", "marks a folder and holds nothing")
    if not info.is_addressable:
        return rejected_object(info, "unaddressable_name", "rename the object: no store can be asked for this name")
    study = layout.study_of(info.key)
    if info.etag == DANGLING_LINK_ETAG:
        return rejected_object(info, "unreadable_object", DANGLING_LINK_ETAG, study)
    if info.bytes == 0:
        return rejected_object(info, "empty_object", "the object has no bytes", study)
    if study:
        return placed_object(info, study, "report" if is_report(info.key) else "dicom")
    if is_report(info.key):  # whose it is can be told only once every study is known
        return rejected_object(info, NO_STUDY, NO_MATCHING_STUDY)
    return None


def place_unreadable(info: ObjectInfo, fault: BadInput) -> LandedObject:
    """An object that had to name its study by its header and could not."""
    if fault.reason == "not_dicom" and not looks_like_dicom(info.key):
        return rejected_object(info, "unrecognised_object", "neither a DICOM object nor a .txt report")
    return rejected_object(info, fault.reason, fault.detail)


def is_unchanged(info: ObjectInfo, before: LandedObject | None) -> bool:
    """Whether an object is as it is known: the same size and tag, and its header could be read if it had to be."""
    is_same = before is not None and (before.etag, before.bytes) == (info.etag, info.bytes) and bool(info.etag)
    return is_same and before is not None and before.reason != "unreadable_object"


def join_reports(objects: Iterable[LandedObject]) -> list[LandedObject]:
    """Gives reports that their key alone could not place to studies grouped by header.

    A report belongs to the study whose StudyInstanceUID, StudyID (also as `s<StudyID>`) or AccessionNumber is its file name;
    else, when it is the only report of a folder whose images are all of one study, to that study.
    """
    objects = list(objects)
    named: dict[str, set[StudyKey]] = defaultdict(set)
    in_folder: dict[str, set[StudyKey]] = defaultdict(set)
    waiting: dict[str, int] = defaultdict(int)
    for item in objects:
        if item.kind == "dicom" and item.patient and item.study:
            study = StudyKey(item.patient, item.study)
            in_folder[folder_of(item.key)].add(study)
            for name in item.report_names:
                named[name].add(study)
        elif item.reason == NO_STUDY:
            waiting[folder_of(item.key)] += 1

    def join(item: LandedObject) -> LandedObject:
        if item.reason != NO_STUDY:
            return item
        studies = named.get(report_name(item.key), set())
        if len(studies) > 1:
            return replace(item, detail="several studies carry this report's name")
        if not studies:
            studies = in_folder.get(folder_of(item.key), set())
            if len(studies) > 1:
                return replace(item, detail="no study carries its name, and its folder holds several studies")
            if studies and waiting[folder_of(item.key)] > 1:
                return replace(item, detail="no study carries its name, and its folder holds several reports")
        for study in studies:
            return replace(item, kind="report", patient=study.patient, study=study.study, reason=None, detail=None)
        return item

    return sorted((join(item) for item in objects), key=lambda o: (o.patient or "", o.study or "", o.key))


def rejections_of(objects: Sequence[LandedObject]) -> list[Rejection]:
    """The rejection rows of an inventory."""
    return [
        Rejection(key=o.key, stage=STAGE, reason=o.reason, detail=o.detail or "", patient=o.patient, study=o.study)
        for o in objects
        if o.reason
    ]
