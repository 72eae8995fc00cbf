"""One study's images: read each object once, check it, render its frames. What `dicom_metadata` and `thumbnails` share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from medsearch_core.dicom.dataset import identity, read_dataset
from medsearch_core.dicom.decoding import check_pixels
from medsearch_core.dicom.image_record import image_records
from medsearch_core.dicom.layout import frame_count
from medsearch_core.dicom.thumbnails import encode_png, thumbnail
from medsearch_core.dicom.version import PIXEL_VERSION
from medsearch_core.errors import BadInput
from medsearch_core.keys import StudyKey, digest_of, image_id
from medsearch_core.records import ImageRecord, LandedObject, Rejection, ThumbnailRecord
from medsearch_core.storage.object_store import ObjectStore
from medsearch_core.storage.warehouse import Warehouse, rejections_path, study_path, thumbnail_path
from medsearch_pipeline.landed_objects import read_landed, rejection_of, versions_of
from medsearch_pipeline.settings import Settings

STAGE = "dicom_metadata"


@dataclass
class StudyImages:
    """What one pass over a study's objects gives."""

    images: list[ImageRecord] = field(default_factory=list)
    thumbnails: list[ThumbnailRecord] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)


@dataclass(frozen=True)
class ImageReader:
    """Reads studies from the landing store into the warehouse.

    Args:
        thumbnail_side: longest side of a thumbnail in pixels.
        max_pixels: largest frame that is decoded, in pixels.
        check_identity: refuse objects whose header names another patient or study than their folder.
    """

    landing: ObjectStore
    warehouse: Warehouse
    thumbnail_side: int
    max_pixels: int
    check_identity: bool = True

    def inputs(self, objects: Sequence[LandedObject]) -> str:
        """The digest of everything a study's images are made from."""
        return inputs_of_images(versions_of(objects), self.thumbnail_side, self.max_pixels, self.check_identity)

    def is_current(self, study: StudyKey, objects: Sequence[LandedObject]) -> bool:
        """Whether the study's rows were made from these very objects."""
        wanted = self.inputs(objects)
        is_made = self.warehouse.is_made_from(wanted, study, "thumbnails", "dicom_metadata")
        return is_made and self.warehouse.inputs(rejections_path(STAGE, study)) == wanted

    def build(self, study: StudyKey, objects: Sequence[LandedObject]) -> None:
        """Writes a study's PNGs, then its rejections and rows; removes what an earlier version left."""
        found = StudyImages()
        seen: dict[str, str] = {}
        for item in sorted(objects, key=lambda o: o.key):
            try:
                self._read(study, item, seen, found)
            except BadInput as fault:
                found.rejections.append(rejection_of(STAGE, study, item, fault))
        self.warehouse.remove_others(f"thumbnails/{study.partition}", [t.path for t in found.thumbnails])
        inputs = self.inputs(objects)
        self.warehouse.write_rows(Rejection, rejections_path(STAGE, study), found.rejections, inputs)
        self.warehouse.write_rows(ThumbnailRecord, study_path("thumbnails", study), found.thumbnails, inputs)
        self.warehouse.write_rows(ImageRecord, study_path("dicom_metadata", study), found.images, inputs)

    def _read(self, study: StudyKey, item: LandedObject, seen: dict[str, str], found: StudyImages) -> None:
        data = read_landed(self.landing, item.key)
        sha256 = hashlib.sha256(data).hexdigest()
        dataset = read_dataset(data)
        who = identity(dataset)
        check_pixels(dataset, max_pixels=self.max_pixels)
        if self.check_identity and not item.study_instance_uid:
            refuse_stranger(study, who.patient_id, who.study_id)
        refuse_repetition(seen.get(who.sop_instance_uid), sha256)
        frames = frame_count(dataset)
        shown = []
        for frame in range(1, frames + 1):
            try:
                picture = thumbnail(dataset, frame, self.thumbnail_side)
            except BadInput as fault:
                found.rejections.append(rejection_of(STAGE, study, item, fault, frame if frames > 1 else None))
                continue
            shown.append(frame)
            found.thumbnails.append(self._write(study, image_id(who.sop_instance_uid, frame, frames), picture))
        if shown:
            seen[who.sop_instance_uid] = sha256
        found.images += image_records(
            dataset,
            patient=study.patient,
            study=study.study,
            key=item.key,
            sha256=sha256,
            bytes=len(data),
            frames=shown,
        )

    def _write(self, study: StudyKey, image: str, picture: np.ndarray) -> ThumbnailRecord:
        png, path = encode_png(picture), thumbnail_path(study, image)
        self.warehouse.store.write(path, png)
        return ThumbnailRecord(
            image_id=image,
            path=path,
            width=picture.shape[1],
            height=picture.shape[0],
            bytes=len(png),
            sha256=hashlib.sha256(png).hexdigest(),
        )


def inputs_of_images(versions: Iterable[str], thumbnail_side: int, max_pixels: int, check_identity: bool) -> str:
    """The digest of everything a study's images are made from; `versions` are its DICOM objects', in any order."""
    return digest_of("images", PIXEL_VERSION, str(thumbnail_side), str(max_pixels), str(check_identity), *sorted(versions))


def images_due(settings: Settings) -> Callable[[Iterable[str]], str]:
    """`inputs_of_images` by the settings of a deployment."""
    return partial(
        inputs_of_images,
        thumbnail_side=settings.thumbnail_side,
        max_pixels=settings.max_pixels,
        check_identity=settings.check_identity,
    )


def refuse_stranger(study: StudyKey, patient_id: str | None, study_id: str | None) -> None:
    """Raises `BadInput("identity_mismatch")` if a header names another patient or study than its folder.

    `p10000032` and `10000032` are one patient, `s50414267` and `50414267` one study; an empty attribute contradicts nothing.
    """
    if patient_id and study.patient not in (patient_id, f"p{patient_id}"):
        raise BadInput("identity_mismatch", "PatientID in the header is not the folder's patient")
    if study_id and study.study not in (study_id, f"s{study_id}"):
        raise BadInput("identity_mismatch", "StudyID in the header is not the folder's study")


def refuse_repetition(seen: str | None, sha256: str) -> None:
    """Raises `BadInput` if an object of the study with this SOPInstanceUID was used already (its SHA-256 is `seen`)."""
    if seen == sha256:
        raise BadInput("duplicate_object", "the same bytes as another object of the study")
    if seen:
        raise BadInput("duplicate_sop_instance_uid", "another object of the study has this SOPInstanceUID and other bytes")
