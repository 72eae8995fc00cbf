"""What every reader of landed objects does alike: read one, tell their versions apart, say why one was refused."""

from __future__ import annotations

from collections.abc import Iterable

from medsearch_core.errors import BadInput, ObjectUnreadable
from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedObject, Rejection
from medsearch_core.storage.object_store import ObjectStore


def read_landed(landing: ObjectStore, key: str) -> bytes:
    """An object's bytes; raises `BadInput("unreadable_object")` where the object, not its store, cannot be read."""
    try:
        return landing.read(key)
    except ObjectUnreadable as error:
        raise BadInput("unreadable_object", "listed, but gone or forbidden when it was read") from error


SHARED = " of a shared study"


def versions_of(objects: Iterable[LandedObject]) -> list[str]:
    """Texts that change whenever an object comes, goes or has other bytes, and a report's when its study's id is shared.

    Not when a store gives the same bytes another tag.
    """
    return sorted(
        f"{o.key} {o.version or o.etag} {o.bytes}{SHARED if o.is_study_shared and o.kind == 'report' else ''}" for o in objects
    )


def rejection_of(stage: str, study: StudyKey, item: LandedObject, fault: BadInput, frame: int | None = None) -> Rejection:
    """The row that says why an object, or one frame of it, was refused."""
    return Rejection(
        key=item.key,
        frame=frame,
        stage=stage,
        reason=fault.reason,
        detail=fault.detail,
        patient=study.patient,
        study=study.study,
    )
