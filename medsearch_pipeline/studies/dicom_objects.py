"""From one landed DICOM object to rows and thumbnails. Runs in worker processes.

Each object is read, checked and decoded once; its thumbnails are shown to users and are the model's input.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pydicom.dataset import Dataset

from medsearch_core.dicom.dataset import Identity, identity, read_dataset
from medsearch_core.dicom.decoding import check_pixels
from medsearch_core.dicom.frames.layout import frame_count
from medsearch_core.dicom.image_record import image_records
from medsearch_core.dicom.pixels import Drawn
from medsearch_core.dicom.thumbnails import drawn_thumbnail, encode_png
from medsearch_core.errors import BadInput
from medsearch_core.keys import StudyKey, image_id, uid_of
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
        require_uids: reject objects without a proper StudyInstanceUID and SOPInstanceUID.
    """

    landing: ObjectStore
    pictures: ObjectStore
    thumbnail_side: int
    max_pixels: int
    check_identity: bool = True
    is_on_gpu: bool = False
    require_uids: bool = True

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
        sha256 = hashlib.sha256(data).hexdigest()
        is_placed_by_key = not item.study_instance_uid
        who = identify(dataset, study, sha256, require_uids=self.require_uids or not is_placed_by_key)
        held = check_pixels(dataset, max_pixels=self.max_pixels)
        if self.check_identity and is_placed_by_key:
            check_patient_matches(study, who.patient_id, who.study_id)
        found.sop_instance_uid, found.sha256 = who.sop_instance_uid, sha256
        frames = frame_count(dataset)
        shown = []
        for frame in range(1, held + 1):
            try:
                picture = drawn_thumbnail(dataset, frame, self.thumbnail_side)
            except BadInput as fault:
                found.rejections.append(rejection_of(STAGE, study, item, fault, frame if frames > 1 else None))
                continue
            shown.append(frame)
            found.thumbnails.append(self._write(study, image_id(who.sop_instance_uid, frame, frames), picture))
        if held < frames:
            missing = BadInput("truncated_pixel_data", f"frames {held + 1} to {frames} are missing")
            found.rejections.append(rejection_of(STAGE, study, item, missing, held + 1))
        found.images += image_records(
            dataset,
            patient=study.patient,
            study=study.study,
            key=item.key,
            sha256=found.sha256,
            bytes=len(data),
            frames=shown,
            who=who,
        )

    def _write(self, study: StudyKey, image: str, picture: Drawn) -> ThumbnailRecord:
        png, path = encode_png(picture.pixels), thumbnail_path(study, image)
        self.pictures.write(path, png)
        return ThumbnailRecord(
            image_id=image,
            path=path,
            width=picture.pixels.shape[1],
            height=picture.pixels.shape[0],
            bytes=len(png),
            sha256=hashlib.sha256(png).hexdigest(),
            grays=picture.grays,
        )


def identify(dataset: Dataset, study: StudyKey, sha256: str, *, require_uids: bool) -> Identity:
    """The identifiers of an object in a study's folder. Unless UIDs are required, missing ones are made from digests.

    Raises:
        BadInput: `missing_identity`.
    """
    if require_uids:
        return identity(dataset)
    of_study = hashlib.sha256(study.partition.encode()).hexdigest()
    return identity(dataset, study_uid=uid_of(of_study), instance_uid=uid_of(sha256))


def check_patient_matches(study: StudyKey, patient_id: str | None, study_id: str | None) -> None:
    """Raises `BadInput("identity_mismatch")` if a header names another patient or study than its folder.

    `p10000032` and `10000032` are the same patient, `s50414267` and `50414267` the same study; an empty attribute matches.
    """
    if patient_id and study.patient not in (patient_id, f"p{patient_id}"):
        raise BadInput("identity_mismatch", "PatientID in the header does not match the folder's patient")
    if study_id and study.study not in (study_id, f"s{study_id}"):
        raise BadInput("identity_mismatch", "StudyID in the header does not match the folder's study")
