"""Objects that a decoder dies of: each is refused by name, and every other object of every study is used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medsearch_core.dicom.thumbnails import decode_png
from medsearch_core.keys import StudyKey
from medsearch_core.records import ImageRecord, LandedObject, Rejection
from medsearch_core.storage.folder import Folder
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse, rejections_path, study_path, thumbnail_path
from medsearch_core.workers.limits import Limits
from medsearch_core.workers.pool import Workers
from medsearch_pipeline.intake.placement import place_by_key
from medsearch_pipeline.settings.layout import MIMIC_CXR
from medsearch_pipeline.studies.dicom_objects import STAGE, DicomObjectProcessor
from medsearch_pipeline.studies.images import StudyImageBuilder
from medsearch_pipeline.workers.decoding import server
from tests.support.bombs import bomb
from tests.support.deadly_items import DeadlyFolder
from tests.support.factories import dataset, dicom_bytes
from tests.support.landing import folder_of, image_bytes, sop_instance_uid

STUDIES = [StudyKey("p10000032", f"s5041426{n}") for n in range(3)]


@pytest.fixture
def reader(tmp_path: Path) -> StudyImageBuilder:
    (tmp_path / "landing").mkdir()
    warehouse = Warehouse(open_store(str(tmp_path / "warehouse")))
    return StudyImageBuilder(DicomObjectProcessor(DeadlyFolder(tmp_path / "landing"), warehouse.store, 64, 10**9), warehouse)


def landed(reader: StudyImageBuilder) -> dict[StudyKey, list[LandedObject]]:
    studies: dict[StudyKey, list[LandedObject]] = {study: [] for study in STUDIES}
    for info in reader.objects.landing.list():
        item = place_by_key(info, MIMIC_CXR)
        assert item
        assert item.patient
        assert item.study
        studies[StudyKey(item.patient, item.study)].append(item)
    return studies


def test_a_crash_an_endless_loop_and_a_frame_of_400_megapixels_cost_one_object_each(reader: StudyImageBuilder) -> None:
    for study in STUDIES:
        for number in (1, 2):
            reader.objects.landing.write(f"{folder_of(study)}/{number}.dcm", image_bytes(study, number))
    for study, name in zip(STUDIES, ("crash", "hang", "bomb"), strict=True):
        data = bomb(study) if name == "bomb" else image_bytes(study, 3)
        reader.objects.landing.write(f"{folder_of(study)}/{name}.dcm", data)
    workers, done = Workers(2, Limits(seconds=60, bytes=2**29), server()), list[StudyKey]()
    reader.build(landed(reader), workers, done.append)
    workers.close()
    assert done == STUDIES
    for study, name in zip(STUDIES, ("crash", "hang", "bomb"), strict=True):
        images = reader.warehouse.read_rows(ImageRecord, study_path("dicom_metadata", study))
        assert [i.image_id for i in images] == [sop_instance_uid(study, n) for n in (1, 2)]
        refused = reader.warehouse.read_rows(Rejection, rejections_path(STAGE, study))
        assert [(r.key, r.reason) for r in refused] == [(f"{folder_of(study)}/{name}.dcm", "undecodable_pixel_data")]
        assert all(limit in str(refused[0].detail) for limit in ("60 s", "0.5 GiB"))


def test_what_the_machine_interrupts_is_tried_again_and_the_rest_of_its_study_is_used(reader: StudyImageBuilder) -> None:
    study = STUDIES[0]
    for name in ("a", "killed"):
        reader.objects.landing.write(f"{folder_of(study)}/{name}.dcm", image_bytes(study, ord(name[0])))
    workers = Workers(1, Limits(seconds=60, bytes=2**30), server())
    due = {study: landed(reader)[study]}
    reader.build(due, workers, lambda _: None)
    assert not reader.is_current(study, due[study])
    (image,) = reader.warehouse.read_rows(ImageRecord, study_path("dicom_metadata", study))
    assert image.key.endswith("/a.dcm")
    (refused,) = reader.warehouse.read_rows(Rejection, rejections_path(STAGE, study))
    assert (refused.key, refused.reason) == (f"{folder_of(study)}/killed.dcm", "interrupted")
    landing = reader.objects.landing
    assert isinstance(landing, Folder)
    undisturbed = replace(reader, objects=replace(reader.objects, landing=Folder(landing._folder)))
    undisturbed.build(due, workers, lambda _: None)
    workers.close()
    assert undisturbed.is_current(study, due[study])
    assert len(reader.warehouse.read_rows(ImageRecord, study_path("dicom_metadata", study))) == 2


def test_a_refused_object_of_the_same_instance_leaves_the_first_ones_picture(reader: StudyImageBuilder) -> None:
    """Two workers write the picture of one SOPInstanceUID, in any order: it must be the one that the row is of."""
    study = STUDIES[0]
    uid = sop_instance_uid(study, 1)
    for level, name in ((10, "a"), (200, "b"), (90, "c")):
        pixels = np.full((48, 48), level, np.uint8)
        pixels[0, 0], pixels[0, 1] = 0, 255
        ds = dataset(pixels, PatientID=study.patient[1:], StudyID=study.study[1:], SOPInstanceUID=uid)
        ds.WindowCenter, ds.WindowWidth = 128, 256
        reader.objects.landing.write(f"{folder_of(study)}/{name}.dcm", dicom_bytes(ds))
    workers = Workers(2, Limits(seconds=60, bytes=2**30), server())
    for _ in range(3):
        reader.build(landed(reader), workers, lambda _: None)
        picture = decode_png(reader.warehouse.store.read(thumbnail_path(study, uid)))
        assert picture[20, 20] == pytest.approx(10, abs=1)
        refused = reader.warehouse.read_rows(Rejection, rejections_path(STAGE, study))
        assert [r.reason for r in refused] == ["duplicate_sop_instance_uid"] * 2
    workers.close()
