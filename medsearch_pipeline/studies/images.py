"""The images of many studies: worker processes read the objects, and each study is written as soon as its last one is done.

Shared by `dicom_metadata` and `thumbnails`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from medsearch_core.columns import version_of
from medsearch_core.dicom.version import PIXEL_VERSION
from medsearch_core.errors import BadInput
from medsearch_core.keys import StudyKey, digest_of
from medsearch_core.records import ImageRecord, LandedObject, Rejection, ThumbnailRecord
from medsearch_core.storage.warehouse import Warehouse, rejections_path, study_path
from medsearch_core.workers.limits import ItemFailure
from medsearch_core.workers.pool import Workers
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.dicom_objects import STAGE, DicomObjectProcessor, ObjectImages
from medsearch_pipeline.studies.headers import HeaderReader, rows_by_object
from medsearch_pipeline.studies.landed_objects import rejection_of, versions_of

OBJECTS_A_CALL = 4
OBJECTS_AHEAD = 32


@dataclass
class StudyImages:
    """A study's rows.

    Args:
        overwritten: objects whose thumbnails were overwritten by a rejected object with the same SOPInstanceUID.
        interrupted: keys of objects to retry, because their decoding was interrupted.
    """

    images: list[ImageRecord] = field(default_factory=list)
    thumbnails: list[ThumbnailRecord] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    overwritten: list[LandedObject] = field(default_factory=list)
    interrupted: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class StudyImageBuilder:
    """Reads studies from the landing store into the warehouse.

    Args:
        objects: processes the objects of the landing store.
        warehouse: where rows and thumbnails are written.
    """

    objects: DicomObjectProcessor
    warehouse: Warehouse

    def inputs(self, objects: Sequence[LandedObject]) -> str:
        """The digest of everything a study's images are made from.

        The decoder is not part of it, because all decoders give the same values.
        """
        how = self.objects
        return image_inputs_digest(
            versions_of(objects), how.thumbnail_side, how.max_pixels, how.check_identity, how.require_uids
        )

    def is_current(self, study: StudyKey, objects: Sequence[LandedObject]) -> bool:
        """Whether the study's rows were made from exactly these objects."""
        return self.warehouse.is_made_from(self.inputs(objects), study_path("dicom_metadata", study), *_pictures(study))

    def has_old_metadata(self, study: StudyKey, objects: Sequence[LandedObject]) -> bool:
        """Whether the study was made from exactly these objects, with an earlier version of the metadata table."""
        wanted, metadata = self.inputs(objects), self.warehouse.origin(study_path("dicom_metadata", study))
        is_old = metadata is not None and metadata.inputs == wanted and metadata.version < version_of(ImageRecord)
        return is_old and self.warehouse.is_made_from(wanted, *_pictures(study))

    def refresh_metadata(
        self, studies: Iterable[StudyKey], workers: Workers, done: Callable[[StudyKey], None]
    ) -> list[StudyKey]:
        """Rewrites metadata of an earlier version, from headers alone; thumbnails are kept.

        Calls `done` as each study is written. Returns the studies whose headers do not match their rows, which must be built.
        """
        tables = {study: self.warehouse.written(study_path("dicom_metadata", study)) for study in studies}
        objects = {study: rows_by_object(table) for study, table in tables.items()}
        items = (rows for of_study in objects.values() for rows in of_study)
        results = workers.map(
            HeaderReader(self.objects.landing, self.objects.require_uids).read, items, OBJECTS_A_CALL, OBJECTS_AHEAD
        )
        unlike = []
        for study, of_study in objects.items():
            found = [next(results)[1] for _ in of_study]
            images = [image for rows in found if rows is not None and not isinstance(rows, ItemFailure) for image in rows]
            if len(images) < sum(len(rows.images) for rows in of_study):
                unlike.append(study)
                continue
            inputs = tables[study].inputs or ""
            self.warehouse.write_rows(ImageRecord, study_path("dicom_metadata", study), images, inputs)
            done(study)
        return unlike

    def build(
        self, studies: Mapping[StudyKey, Sequence[LandedObject]], workers: Workers, done: Callable[[StudyKey], None]
    ) -> None:
        """Writes studies in order: a study's PNGs, then its rejections and rows. Removes leftovers of an earlier version.

        Calls `done` as each is written. Objects are processed across studies, so that no worker is idle at the end of one.
        """
        ordered = {study: sorted(objects, key=lambda o: o.key) for study, objects in studies.items()}
        jobs = ((study, item) for study, objects in ordered.items() for item in objects)
        results = workers.map(self.objects.process, jobs, OBJECTS_A_CALL, OBJECTS_AHEAD)
        for study, objects in ordered.items():
            found = [next(results) for _ in objects]
            made = merge_objects(study, [(item, images) for (_, item), images in found])
            again = [(study, item) for item in made.overwritten]
            for _ in workers.map(self.objects.process, again, 1, 1):
                pass
            self._write(study, objects, made)
            done(study)

    def _write(self, study: StudyKey, objects: Sequence[LandedObject], made: StudyImages) -> None:
        self.warehouse.remove_others(f"thumbnails/{study.partition}", [t.path for t in made.thumbnails])
        inputs = self.inputs(objects)
        if made.interrupted:  # so that nothing derived from these tables counts as current
            inputs = digest_of("interrupted", inputs, *made.interrupted)
        self.warehouse.write_rows(Rejection, rejections_path(STAGE, study), made.rejections, inputs)
        self.warehouse.write_rows(ThumbnailRecord, study_path("thumbnails", study), made.thumbnails, inputs)
        self.warehouse.write_rows(ImageRecord, study_path("dicom_metadata", study), made.images, inputs)


def _pictures(study: StudyKey) -> tuple[str, str]:
    """The thumbnail rows of a study's objects."""
    return study_path("thumbnails", study), rejections_path(STAGE, study)


def merge_objects(study: StudyKey, found: Iterable[tuple[LandedObject, ObjectImages | ItemFailure]]) -> StudyImages:
    """Merges a study's objects, in key order. Of several with the same SOPInstanceUID, the first with an image is used."""
    made = StudyImages()
    first: dict[str, tuple[LandedObject, str]] = {}
    for item, images in found:
        try:
            if isinstance(images, ItemFailure):
                if images.is_items_fault:
                    raise BadInput("undecodable_pixel_data", images.detail)
                made.interrupted.append(item.key)
                raise BadInput("interrupted", images.detail)
            kept, sha256 = first.get(images.sop_instance_uid, (item, ""))
            if images.thumbnails and sha256 and sha256 != images.sha256:
                made.overwritten.append(kept)
            if images.sop_instance_uid:
                check_duplicate_instance(kept.key, sha256, images.sha256)
        except BadInput as fault:
            made.rejections.append(rejection_of(STAGE, study, item, fault))
            continue
        made.images += images.images
        made.thumbnails += images.thumbnails
        made.rejections += images.rejections
        if images.images:
            first[images.sop_instance_uid] = item, images.sha256
    return made


def image_inputs_digest(
    versions: Iterable[str], thumbnail_side: int, max_pixels: int, check_identity: bool, require_uids: bool = True
) -> str:
    """The digest of everything a study's images are made from; `versions` are those of its DICOM objects, in any order."""
    settings = (thumbnail_side, max_pixels, check_identity, require_uids)
    return digest_of("images", PIXEL_VERSION, *map(str, settings), *sorted(versions))


def image_digest_for(settings: Settings) -> Callable[[Iterable[str]], str]:
    """`image_inputs_digest` with the settings of a deployment."""
    return partial(
        image_inputs_digest,
        thumbnail_side=settings.thumbnail_side,
        max_pixels=settings.max_pixels,
        check_identity=settings.check_identity,
        require_uids=settings.require_uids,
    )


def check_duplicate_instance(key: str, seen: str | None, sha256: str) -> None:
    """Raises `BadInput` if the object at `key` with this SOPInstanceUID was already used (its SHA-256 is `seen`)."""
    if seen == sha256:
        raise BadInput("duplicate_object", f"the same bytes as {key}")
    if seen:
        raise BadInput("duplicate_sop_instance_uid", f"the same SOPInstanceUID as {key}, but other bytes")
