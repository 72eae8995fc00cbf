"""Old metadata read again: from headers alone, and only where they are what the rows were made from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medsearch_core.columns import FIRST_VERSION, version_of
from medsearch_core.keys import StudyKey
from medsearch_core.records import ImageRecord, LandedObject
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Origin, Warehouse, study_path
from medsearch_pipeline.intake.placement import place_by_key
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.settings.layout import MIMIC_CXR
from medsearch_pipeline.studies.dicom_objects import DicomObjectProcessor
from medsearch_pipeline.studies.images import StudyImageBuilder
from medsearch_pipeline.workers.decoding import decoding_workers
from tests.support.factories import dataset, dicom_bytes
from tests.support.landing import folder_of, image_bytes
from tests.support.older_version import make_older

STUDY = StudyKey("p10000032", "s50414267")
FOLDER, PATH = folder_of(STUDY), study_path("dicom_metadata", STUDY)
IDENTITY: dict[str, Any] = {"PatientID": "10000032", "StudyID": "50414267"}


class Place:
    """A study of a still and of a cine, built, whose metadata is then of the first version."""

    def __init__(self, home: Path) -> None:
        self.landing = open_store(str(home / "landing"))
        self.warehouse = Warehouse(open_store(str(home / "warehouse")))
        objects = DicomObjectProcessor(self.landing, self.warehouse.store, thumbnail_side=64, max_pixels=10**6)
        self.reader = StudyImageBuilder(objects, self.warehouse)
        cine = dataset(np.zeros((3, 8, 8), np.uint8), **IDENTITY, SOPInstanceUID="2.25.7", DistanceSourceToDetector="1500")
        self.landing.write(f"{FOLDER}/cine.dcm", dicom_bytes(cine))
        self.landing.write(f"{FOLDER}/still.dcm", image_bytes(STUDY, DistanceSourceToDetector="1800"))
        placed = [place_by_key(info, MIMIC_CXR) for info in self.landing.list()]
        self.landed: Sequence[LandedObject] = [item for item in placed if item]
        self.build()
        self.rows = self.warehouse.read_rows(ImageRecord, PATH)
        make_older(self.warehouse, PATH)

    def build(self) -> None:
        self.reader.build({STUDY: self.landed}, decoding_workers(Settings()), lambda _: None)

    def refresh(self) -> list[StudyKey]:
        return self.reader.refresh_metadata([STUDY], decoding_workers(Settings()), lambda _: None)

    def cut(self, key: str) -> None:
        """Takes an object's pixel data away, so that nothing can decode it."""
        data = self.landing.read(key)
        self.landing.write(key, data[: data.index(b"\xe0\x7f\x10\x00") + 12])


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_old_metadata_is_told_from_metadata_that_is_current_and_reads_with_its_new_columns_null(place: Place) -> None:
    assert place.reader.has_old_metadata(STUDY, place.landed)
    assert not place.reader.is_current(STUDY, place.landed)
    assert {row.distance_source_to_detector_mm for row in place.warehouse.read_rows(ImageRecord, PATH)} == {None}
    assert not place.reader.has_old_metadata(STUDY, place.landed[:1]), "of other objects it is not old, but of other objects"
    place.build()
    assert not place.reader.has_old_metadata(STUDY, place.landed)
    assert place.reader.is_current(STUDY, place.landed)


def test_headers_alone_give_the_rows_that_a_decode_gave_and_nothing_else_is_written(place: Place) -> None:
    for item in place.landed:
        place.cut(item.key)
    before = {o.key: o.etag for o in place.warehouse.store.list()}
    inputs = place.warehouse.inputs(PATH)
    assert place.refresh() == []
    assert place.warehouse.read_rows(ImageRecord, PATH) == place.rows
    assert [row.distance_source_to_detector_mm for row in place.rows] == [1500.0, 1500.0, 1500.0, 1800.0]
    assert place.warehouse.origin(PATH) == Origin(inputs or "", version_of(ImageRecord))
    assert version_of(ImageRecord) > FIRST_VERSION
    after = {o.key: o.etag for o in place.warehouse.store.list()}
    assert {key for key in before | after if before.get(key) != after.get(key)} == {PATH}
    assert place.reader.is_current(STUDY, place.landed)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(image_bytes(STUDY, BodyPartExamined="ELBOW"), id="another attribute"),
        pytest.param(image_bytes(STUDY, 2), id="another image"),
        pytest.param(b"no DICOM object", id="no DICOM object"),
        pytest.param(None, id="gone"),
    ],
)
def test_a_study_whose_headers_are_not_what_its_rows_were_made_from_is_left_to_be_built(
    place: Place, data: bytes | None
) -> None:
    key = f"{FOLDER}/still.dcm"
    if data is None:
        place.landing.delete(key)
    else:
        place.landing.write(key, data)
    before = place.warehouse.store.read(PATH)
    assert place.refresh() == [STUDY]
    assert place.warehouse.store.read(PATH) == before
