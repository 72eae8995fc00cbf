"""Metadata written before a column was added, read again from the objects' headers alone.

No pixels are decoded and no thumbnails written: the existing rows show which frames of an object are images. A header must
match all existing values of those rows; otherwise the study must be decoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import groupby

from medsearch_core.columns import conformed, records_of
from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.image_record import image_records
from medsearch_core.errors import BadInput, ObjectUnreadable
from medsearch_core.keys import StudyKey
from medsearch_core.records import ImageRecord
from medsearch_core.storage.object_store import ObjectStore
from medsearch_core.storage.warehouse import Written
from medsearch_pipeline.studies.dicom_objects import identify


@dataclass(frozen=True)
class ObjectRows:
    """The rows of one object's images, and the table version they were written with."""

    images: Sequence[ImageRecord]
    version: int

    def held(self, image: ImageRecord) -> list[object]:
        """The values of an image that a row of that version has."""
        return [getattr(image, f.name) for f in fields(image) if f.metadata["since"] <= self.version]


def rows_by_object(table: Written) -> list[ObjectRows]:
    """A study's rows by object, in order."""
    images = records_of(ImageRecord, conformed(ImageRecord, table.rows))
    version = table.origin.version if table.origin else 0
    return [ObjectRows(list(of), version) for _, of in groupby(images, key=lambda image: image.key)]


@dataclass(frozen=True)
class HeaderReader:
    """Reads headers from the landing store."""

    landing: ObjectStore
    require_uids: bool = True

    def read(self, objects: Sequence[ObjectRows]) -> Iterator[Sequence[ImageRecord] | None]:
        """Each object's rows from its current header; None if the header does not match the existing rows."""
        return map(self._reread, objects)

    def _reread(self, rows: ObjectRows) -> Sequence[ImageRecord] | None:
        first = rows.images[0]
        try:
            with self.landing.open(first.key) as file:
                dataset = read_dataset(file, stop_before_pixels=True)
            study = StudyKey(first.patient, first.study)
            found = image_records(
                dataset,
                patient=first.patient,
                study=first.study,
                key=first.key,
                sha256=first.sha256,
                bytes=first.bytes,
                frames=[image.frame for image in rows.images],
                who=identify(dataset, study, first.sha256, require_uids=self.require_uids),
            )
        except (BadInput, ObjectUnreadable):
            return None
        return found if [rows.held(image) for image in found] == [rows.held(image) for image in rows.images] else None
