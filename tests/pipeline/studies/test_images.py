"""A study's images: each object used or refused by name, the same bytes every time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medsearch_core.dicom.thumbnails import decode_png
from medsearch_core.keys import StudyKey
from medsearch_core.records import ImageRecord, LandedObject, Rejection, ThumbnailRecord
from medsearch_core.storage.object_store import ObjectStore
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse, rejections_path, study_path
from medsearch_pipeline.intake.placement import place_by_key
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.settings.layout import MIMIC_CXR
from medsearch_pipeline.studies.dicom_objects import STAGE, DicomObjectProcessor
from medsearch_pipeline.studies.images import StudyImageBuilder
from medsearch_pipeline.workers.decoding import decoding_workers
from tests.support.factories import dataset, dicom_bytes
from tests.support.landing import folder_of, image_bytes, sop_instance_uid

STUDY = StudyKey("p10000032", "s50414267")
FOLDER = folder_of(STUDY)


@pytest.fixture
def reader(tmp_path: Path) -> StudyImageBuilder:
    landing = open_store(str(tmp_path / "landing"))
    warehouse = Warehouse(open_store(str(tmp_path / "warehouse")))
    return StudyImageBuilder(DicomObjectProcessor(landing, warehouse.store, thumbnail_side=64, max_pixels=10**6), warehouse)


def landed(store: ObjectStore) -> list[LandedObject]:
    placed = [place_by_key(info, MIMIC_CXR) for info in store.list()]
    return [item for item in placed if item and item.kind == "dicom"]


def build(reader: StudyImageBuilder) -> tuple[list[ImageRecord], list[ThumbnailRecord], list[Rejection]]:
    reader.build({STUDY: landed(reader.objects.landing)}, decoding_workers(Settings()), lambda _: None)
    house = reader.warehouse
    return (
        house.read_rows(ImageRecord, study_path("dicom_metadata", STUDY)),
        house.read_rows(ThumbnailRecord, study_path("thumbnails", STUDY)),
        house.read_rows(Rejection, rejections_path(STAGE, STUDY)),
    )


def test_every_good_image_gets_a_row_and_a_thumbnail_of_its_aspect(reader: StudyImageBuilder) -> None:
    for number in (1, 2):
        reader.objects.landing.write(f"{FOLDER}/{number}.dcm", image_bytes(STUDY, number))
    images, thumbnails, rejections = build(reader)
    assert [i.image_id for i in images] == [sop_instance_uid(STUDY, n) for n in (1, 2)]
    assert [(t.width, t.height) for t in thumbnails] == [(53, 64), (53, 64)]
    assert [t.path for t in thumbnails] == [f"thumbnails/{STUDY}/{i.image_id}.png" for i in images]
    assert decode_png(reader.warehouse.store.read(thumbnails[0].path)).shape == (64, 53)
    assert rejections == []


def test_each_frame_of_a_multi_frame_object_is_an_image_and_the_middle_one_stands_for_it(reader: StudyImageBuilder) -> None:
    pixels = np.arange(3 * 8 * 8, dtype=np.uint16).reshape(3, 8, 8)
    ds = dataset(pixels, PatientID="10000032", StudyID="50414267", SOPInstanceUID="2.25.7")
    reader.objects.landing.write(f"{FOLDER}/cine.dcm", dicom_bytes(ds))
    images, thumbnails, rejections = build(reader)
    assert [(i.image_id, i.frame, i.frames, i.is_representative) for i in images] == [
        ("2.25.7_1", 1, 3, False),
        ("2.25.7_2", 2, 3, True),
        ("2.25.7_3", 3, 3, False),
    ]
    assert len(thumbnails) == 3
    assert rejections == []


def test_bad_objects_are_refused_by_name_and_reason_and_good_ones_go_on(reader: StudyImageBuilder) -> None:
    good = image_bytes(STUDY)
    stranger = StudyKey("p19999999", "s50414267")
    files = {
        "a-good.dcm": good,
        "b-same-again.dcm": good,
        "c-same-uid.dcm": image_bytes(STUDY, 9, SOPInstanceUID=sop_instance_uid(STUDY)),
        "d-other-patient.dcm": image_bytes(stranger, 5),
        "e-other-study.dcm": image_bytes(STUDY, 6, StudyID="1"),
        "f-cut-pixels.dcm": image_bytes(STUDY, 3)[:-100],
        "g-cut-header.dcm": image_bytes(STUDY, 3)[:300],
        "h-pdf.dcm": b"%PDF-1.7 not a dicom file",
        "i-no-pixels.dcm": dicom_bytes(dataset(None, PatientID="10000032", StudyID="50414267")),
        "j-too-large.dcm": dicom_bytes(
            dataset(np.zeros((1001, 1000), np.uint8), PatientID="10000032", StudyID="50414267", SOPInstanceUID="2.25.8")
        ),
    }
    for name, data in files.items():
        reader.objects.landing.write(f"{FOLDER}/{name}", data)
    images, _, rejections = build(reader)
    assert [i.key for i in images] == [f"{FOLDER}/a-good.dcm"]
    assert [(r.key.rsplit("/")[-1], r.reason) for r in rejections] == [
        ("b-same-again.dcm", "duplicate_object"),
        ("c-same-uid.dcm", "duplicate_sop_instance_uid"),
        ("d-other-patient.dcm", "identity_mismatch"),
        ("e-other-study.dcm", "identity_mismatch"),
        ("f-cut-pixels.dcm", "truncated_pixel_data"),
        ("g-cut-header.dcm", "truncated_header"),
        ("h-pdf.dcm", "not_dicom"),
        ("i-no-pixels.dcm", "no_pixel_data"),
        ("j-too-large.dcm", "unsupported_pixel_format"),
    ]
    duplicates = [r.detail for r in rejections if r.reason.startswith("duplicate")]
    assert [f"{FOLDER}/a-good.dcm" in detail for detail in duplicates] == [True, True]


def test_no_rejection_repeats_what_a_header_says(reader: StudyImageBuilder) -> None:
    reader.objects.landing.write(f"{FOLDER}/x.dcm", image_bytes(StudyKey("p19999999", "s50414267"), PatientName="Doe^Jane"))
    _, _, rejections = build(reader)
    assert "PatientID" in rejections[0].detail


def test_an_object_listed_and_gone_is_a_rejection_and_not_a_failure(reader: StudyImageBuilder) -> None:
    reader.objects.landing.write(f"{FOLDER}/x.dcm", image_bytes(STUDY))
    objects = landed(reader.objects.landing)
    reader.objects.landing.delete(f"{FOLDER}/x.dcm")
    reader.build({STUDY: objects}, decoding_workers(Settings()), lambda _: None)
    refused = reader.warehouse.read_rows(Rejection, rejections_path(STAGE, STUDY))
    assert [(r.key, r.reason) for r in refused] == [(f"{FOLDER}/x.dcm", "unreadable_object")]


def test_building_again_gives_the_same_bytes_and_a_built_study_is_current(reader: StudyImageBuilder) -> None:
    reader.objects.landing.write(f"{FOLDER}/1.dcm", image_bytes(STUDY))
    objects = landed(reader.objects.landing)
    assert not reader.is_current(STUDY, objects)
    build(reader)
    assert reader.is_current(STUDY, objects)
    store = reader.warehouse.store
    before = {o.key: store.read(o.key) for o in store.list()}
    build(reader)
    assert {o.key: store.read(o.key) for o in store.list()} == before


def test_another_version_of_an_object_or_of_the_settings_makes_a_study_stale(reader: StudyImageBuilder) -> None:
    reader.objects.landing.write(f"{FOLDER}/1.dcm", image_bytes(STUDY))
    build(reader)
    objects = landed(reader.objects.landing)
    assert not reader.is_current(STUDY, [replace(objects[0], etag="other")])
    assert not replace(reader, objects=replace(reader.objects, thumbnail_side=32)).is_current(STUDY, objects)


def test_an_image_that_is_gone_takes_its_thumbnail_with_it(reader: StudyImageBuilder) -> None:
    for number in (1, 2):
        reader.objects.landing.write(f"{FOLDER}/{number}.dcm", image_bytes(STUDY, number))
    build(reader)
    reader.objects.landing.delete(f"{FOLDER}/1.dcm")
    images, thumbnails, _ = build(reader)
    assert [i.image_id for i in images] == [sop_instance_uid(STUDY, 2)]
    assert [o.key for o in reader.warehouse.store.list(f"thumbnails/{STUDY}")] == [thumbnails[0].path]
