"""Shared by all readers of landed objects: reading one, distinguishing versions, recording a rejection."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom import Dataset

from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.errors import BadInput, ObjectUnreadable
from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedObject, Rejection
from medsearch_core.storage.object_store import ObjectStore


def read_landed(landing: ObjectStore, key: str) -> bytes:
    """An object's bytes; raises `BadInput("unreadable_object")` if the object, rather than its store, cannot be read."""
    try:
        return landing.read(key)
    except ObjectUnreadable as error:
        raise BadInput("unreadable_object", "listed, but deleted or forbidden when it was read") from error


def read_landed_header(landing: ObjectStore, key: str) -> Dataset | None:
    """A DICOM object's header without its pixels; None if it cannot be read, as its own asset says by name."""
    try:
        with landing.open(key) as file:
            return read_dataset(file, stop_before_pixels=True)
    except (BadInput, ObjectUnreadable):
        return None


SHARED = " of a shared study"


def versions_of(objects: Iterable[LandedObject]) -> list[str]:
    """Strings that change whenever an object is added, removed or replaced, or when a report's study id becomes shared.

    They do not change when a store gives unchanged bytes a new tag.
    """
    return sorted(
        f"{o.key} {o.version or o.etag} {o.bytes}{SHARED if o.is_study_shared and o.kind == 'report' else ''}" for o in objects
    )


def rejection_of(stage: str, study: StudyKey, item: LandedObject, fault: BadInput, frame: int | None = None) -> Rejection:
    """The row that records why an object or frame was rejected."""
    return Rejection(
        key=item.key,
        frame=frame,
        stage=stage,
        reason=fault.reason,
        detail=fault.detail,
        patient=study.patient,
        study=study.study,
    )
