"""What the pipeline would make of a file that need not have landed: how it is placed, read and drawn. Nothing is written.

The rules are those of `placement` and of `studies.dicom_objects`, in the same order. Files are read in worker processes, with
the limits of ingestion. No value of a header is in a result, except UIDs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydicom.dataset import Dataset
from pydicom.uid import UID

from medsearch_core.dicom.attributes import text
from medsearch_core.dicom.dataset import UID_PATTERN, Identity, identity, read_dataset
from medsearch_core.dicom.decoding import check_pixels
from medsearch_core.dicom.inspection.inspect import inspect_pixels
from medsearch_core.dicom.inspection.record import Disagreement, PixelInspection
from medsearch_core.errors import BadInput
from medsearch_core.keys import StudyKey, pseudonymous_study_key
from medsearch_core.records import EXCLUSIONS
from medsearch_core.storage.object_store import ObjectInfo
from medsearch_core.workers.limits import ItemFailure
from medsearch_core.workers.pool import Workers
from medsearch_pipeline.intake.placement import NO_STUDY, place_by_key, place_unreadable, rejected_object
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.settings.layout import Layout
from medsearch_pipeline.studies.dicom_objects import check_patient_matches, identify

Kind = Literal["dicom", "report", "other"]
State = Literal["used", "partly used", "rejected", "excluded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileIdentity:
    """What names an object. Of the patient it holds the key alone.

    Args:
        patient: the key, if the path or a configured MEDSEARCH_PSEUDONYM_KEY gives one; likewise `study`.
        made_uids: those that are made from digests, because the object has none.
    """

    patient: str | None
    study: str | None
    study_instance_uid: str
    series_instance_uid: str | None
    sop_instance_uid: str
    sop_class_uid: str | None
    sop_class: str | None
    made_uids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileRejection:
    """Why a file, or one of its frames, is not used; reasons are those of `records.REASONS`."""

    reason: str
    detail: str
    frame: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInspection:
    """A file.

    Args:
        kind: `dicom`, `report`, or `other` for what was rejected before it could be told.
        identity: of a DICOM object that names itself.
        pixels: of a DICOM object whose image is used.
        disagreements: of the header alone; those with the bytes are with the pixels.
    """

    file: str
    kind: Kind
    bytes: int = 0
    sha256: str | None = None
    identity: FileIdentity | None = None
    pixels: PixelInspection | None = None
    disagreements: tuple[Disagreement, ...] = ()
    rejections: tuple[FileRejection, ...] = ()

    @property
    def state(self) -> State:
        """What becomes of the file."""
        if not self.rejections:
            return "used"
        if self.pixels is not None and any(frame.reason is None for frame in self.pixels.frames):
            return "partly used"
        return "excluded" if all(each.reason in EXCLUSIONS for each in self.rejections) else "rejected"


@dataclass(frozen=True)
class FileInspector:
    """Inspects files as a deployment with these settings would process them.

    Args:
        secret: for the keys of studies grouped by header; without it such an object has none.
        has_overlays: whether overlay planes are drawn, which they are not in thumbnails.
    """

    thumbnail_side: int
    max_pixels: int
    layout: str
    check_identity: bool = True
    require_uids: bool = True
    secret: bytes | None = None
    has_overlays: bool = False

    @classmethod
    def of(cls, settings: Settings, *, has_overlays: bool = False) -> FileInspector:
        """The inspector of a deployment."""
        key = settings.pseudonym_key
        return cls(
            thumbnail_side=settings.thumbnail_side,
            max_pixels=settings.max_pixels,
            layout=settings.layout,
            check_identity=settings.check_identity,
            require_uids=settings.require_uids,
            secret=key.get_secret_value().encode()[:64] if key else None,
            has_overlays=has_overlays,
        )

    def inspect_all(self, files: Sequence[str], workers: Workers) -> Iterator[FileInspection]:
        """Each file in order, inspected in a worker process."""
        paths = [str(Path(file).absolute()) for file in files]  # a worker has a current folder of its own
        for file, (_, found) in zip(files, workers.map(self.inspect, paths, 1, 1), strict=True):
            if isinstance(found, ItemFailure):
                reason = "undecodable_pixel_data" if found.is_items_fault else "interrupted"
                yield FileInspection(file=file, kind="dicom", rejections=(FileRejection(reason, found.detail),))
            else:
                yield replace(found, file=file)

    def inspect(self, files: Sequence[str]) -> Iterator[FileInspection]:
        """Each file. Runs in a worker process."""
        for file in files:
            yield self._inspect(file)

    def _inspect(self, file: str) -> FileInspection:
        try:
            data = Path(file).read_bytes()
        except OSError as error:
            fault = FileRejection("unreadable_object", error.strerror or type(error).__name__)
            return FileInspection(file=file, kind="other", rejections=(fault,))
        found = FileInspection(file=file, kind="other", bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        study = Layout.of(self.layout).study_of(Path(file).absolute().as_posix())
        info = ObjectInfo(Path(file).name, len(data), "inspected")  # folders above it may be those of a system
        placed = place_by_key(info, Layout.of(self.layout))
        if placed is not None and placed.reason == NO_STUDY:
            return replace(found, kind="report")
        if placed is not None and placed.reason:
            return replace(found, rejections=(FileRejection(placed.reason, placed.detail or ""),))
        try:
            dataset = read_dataset(data)
        except BadInput as fault:
            rejected = rejected_object(info, fault.reason, fault.detail) if study else place_unreadable(info, fault)
            return replace(found, rejections=(FileRejection(rejected.reason or "", rejected.detail or ""),))
        return self._inspect_object(replace(found, kind="dicom"), dataset, study)

    def _inspect_object(self, found: FileInspection, dataset: Dataset, study: StudyKey | None) -> FileInspection:
        try:
            if study is None:
                who = identity(dataset)
            else:
                who = identify(dataset, study, found.sha256 or "", require_uids=self.require_uids)
            found = replace(
                found,
                identity=self._identity(dataset, who, study),
                disagreements=tuple(_header_disagreements(dataset)),
            )
            check_pixels(dataset, max_pixels=self.max_pixels)
            if study is not None and self.check_identity:
                check_patient_matches(study, who.patient_id, who.study_id)
            pixels = inspect_pixels(dataset, self.thumbnail_side, self.max_pixels, has_overlays=self.has_overlays)
        except BadInput as fault:
            return replace(found, rejections=(FileRejection(fault.reason, fault.detail),))
        return replace(found, pixels=pixels, rejections=tuple(_frame_rejections(pixels)))

    def _identity(self, dataset: Dataset, who: Identity, study: StudyKey | None) -> FileIdentity:
        if study is None and self.secret is not None:
            study = pseudonymous_study_key(who.patient_id, who.study_instance_uid, self.secret)
        sop_class, series = (text(dataset, keyword) or "" for keyword in ("SOPClassUID", "SeriesInstanceUID"))
        uids = (("StudyInstanceUID", who.study_instance_uid), ("SOPInstanceUID", who.sop_instance_uid))
        return FileIdentity(
            patient=study.patient if study else None,
            study=study.study if study else None,
            study_instance_uid=who.study_instance_uid,
            series_instance_uid=series if UID_PATTERN.fullmatch(series) else None,
            sop_instance_uid=who.sop_instance_uid,
            sop_class_uid=sop_class if UID_PATTERN.fullmatch(sop_class) else None,
            sop_class=UID(sop_class).name if UID_PATTERN.fullmatch(sop_class) and UID(sop_class).type else None,
            made_uids=tuple(keyword for keyword, uid in uids if text(dataset, keyword) != uid),
        )


def _header_disagreements(dataset: Dataset) -> Iterator[Disagreement]:
    stated = text(getattr(dataset, "file_meta", Dataset()), "MediaStorageSOPInstanceUID")
    if stated and stated != text(dataset, "SOPInstanceUID"):
        yield Disagreement("sop_instance_uid", "the file meta information names another SOP instance; the data set is followed")


def _frame_rejections(pixels: PixelInspection) -> Iterator[FileRejection]:
    for frame in pixels.frames:
        if frame.reason:
            yield FileRejection(frame.reason, frame.fault or "", frame.frame if pixels.claimed > 1 else None)
    if pixels.found < pixels.claimed:
        missing = f"frames {pixels.found + 1} to {pixels.claimed} are missing"
        yield FileRejection("truncated_pixel_data", missing, pixels.found + 1)
