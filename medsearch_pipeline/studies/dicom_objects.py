"""From one landed DICOM object to rows and thumbnails. Runs in worker processes.

Each object is read, checked and decoded once; its thumbnails are shown to users and are the model's input.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from medsearch_core.dicom.dataset import identity, read_dataset
from medsearch_core.dicom.decoding import check_pixels
from medsearch_core.dicom.image_record import image_records
from medsearch_core.dicom.layout import frame_count
from medsearch_core.dicom.thumbnails import encode_png, thumbnail
from medsearch_core.errors import BadInput
from medsearch_core.keys import StudyKey, image_id
from medsearch_core.records import ImageRecord, LandedObject, Rejection, ThumbnailRecord
from medsearch_core.storage.object_store import ObjectStore
from medsearch_core.storage.read_ahead import read_ahead
from medsearch_core.storage.warehouse import thumbnail_path
from medsearch_pipeline.studies.landed_objects import read_landed, rejection_of

STAGE = "dicom_metadata"

StudyObject = tuple[StudyKey, LandedObject]


@dataclass(kw_only=True)
class ObjectImages:
    """The result of one object. Its PNGs are already written; without image rows there are none."""

    sop_instance_uid: str = ""
    sha256: str = ""
    images: list[ImageRecord] = field(default_factory=list)
    thumbnails: list[ThumbnailRecord] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)


@dataclass(frozen=True)
class DicomObjectProcessor:
    """Reads objects from the landing store and writes their thumbnails to the warehouse.

    Args:
        thumbnail_side: longest side of a thumbnail in pixels.
        max_pixels: largest frame that is decoded, in pixels.
        check_identity: reject objects whose header names another patient or study than their folder.
        is_on_gpu: decode on a GPU where possible.
    """

    landing: ObjectStore
    pictures: ObjectStore
    thumbnail_side: int
    max_pixels: int
    check_identity: bool = True
    is_on_gpu: bool = False

    def process(self, objects: Sequence[StudyObject]) -> Iterator[ObjectImages]:
        """The result of each object, in order; the next objects are read from the store meanwhile.

        Raises:
            ConfigurationError: decoding on a GPU is configured but not possible.
        """
        if self.is_on_gpu:
            from medsearch_core.dicom.gpu_decoding import decode_on_gpu

            decode_on_gpu()
        ahead = read_ahead(lambda of: read_landed(self.landing, of[1].key), objects, lambda of: of[1].bytes)
        for (study, item), data in zip(objects, ahead, strict=True):
            yield self.process_object(study, item, data)

    def process_object(self, study: StudyKey, item: LandedObject, read: Callable[[], bytes]) -> ObjectImages:
        """The result of one object, with the reasons if it or some of its frames are rejected.

        Args:
            read: returns its bytes, or raises the error of reading them.
        """
        found = ObjectImages()
        try:
            self._process(study, item, read(), found)
        except BadInput as fault:
            found.rejections.append(rejection_of(STAGE, study, item, fault))
        return found

    def _process(self, study: StudyKey, item: LandedObject, data: bytes, found: ObjectImages) -> None:
        dataset = read_dataset(data)
        who = identity(dataset)
        check_pixels(dataset, max_pixels=self.max_pixels)
        if self.check_identity and not item.study_instance_uid:
            check_patient_matches(study, who.patient_id, who.study_id)
        found.sop_instance_uid, found.sha256 = who.sop_instance_uid, hashlib.sha256(data).hexdigest()
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
        found.images += image_records(
            dataset,
            patient=study.patient,
            study=study.study,
            key=item.key,
            sha256=found.sha256,
            bytes=len(data),
            frames=shown,
        )

    def _write(self, study: StudyKey, image: str, picture: np.ndarray) -> ThumbnailRecord:
        png, path = encode_png(picture), thumbnail_path(study, image)
        self.pictures.write(path, png)
        return ThumbnailRecord(
            image_id=image,
            path=path,
            width=picture.shape[1],
            height=picture.shape[0],
            bytes=len(png),
            sha256=hashlib.sha256(png).hexdigest(),
        )


def check_patient_matches(study: StudyKey, patient_id: str | None, study_id: str | None) -> None:
    """Raises `BadInput("identity_mismatch")` if a header names another patient or study than its folder.

    `p10000032` and `10000032` are the same patient, `s50414267` and `50414267` the same study; an empty attribute matches.
    """
    if patient_id and study.patient not in (patient_id, f"p{patient_id}"):
        raise BadInput("identity_mismatch", "PatientID in the header does not match the folder's patient")
    if study_id and study.study not in (study_id, f"s{study_id}"):
        raise BadInput("identity_mismatch", "StudyID in the header does not match the folder's study")
