"""Objects that lack frames, or UIDs: what is there is used."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medsearch_core.dicom.dataset import UID_PATTERN
from medsearch_core.keys import StudyKey
from medsearch_core.storage.open import open_store
from medsearch_pipeline.intake.placement import place_by_key
from medsearch_pipeline.settings.layout import MIMIC_CXR
from medsearch_pipeline.studies.dicom_objects import DicomObjectProcessor, ObjectImages
from medsearch_pipeline.studies.headers import HeaderReader, ObjectRows
from tests.support.factories import dataset, dicom_bytes
from tests.support.landing import folder_of

STUDY = StudyKey("p10000032", "s50414267")
KEY = f"{folder_of(STUDY)}/a.dcm"
WITHOUT: dict[str, dict[str, Any]] = {
    "absent": {"StudyInstanceUID": None, "SOPInstanceUID": None},
    "empty": {"StudyInstanceUID": "", "SOPInstanceUID": ""},
    "no UIDs": {"StudyInstanceUID": "cae61ba4b9c0c7e3f3eba4b9c0c7e3f3", "SOPInstanceUID": "e3f3"},
    "too long": {"StudyInstanceUID": "1." + "2" * 70, "SOPInstanceUID": "1." + "3" * 70},
}


@pytest.fixture(autouse=True)
def _invalid_uids_may_be_written() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def processed(folder: Path, data: bytes, *, require_uids: bool = True, key: str = KEY) -> ObjectImages:
    landing, pictures = open_store(str(folder / "landing")), open_store(str(folder / "pictures"))
    landing.write(key, data)
    item = next(placed for info in landing.list() if (placed := place_by_key(info, MIMIC_CXR)) and placed.key == key)
    processor = DicomObjectProcessor(landing, pictures, 64, 10**6, require_uids=require_uids)
    return processor.process_object(STUDY, item, lambda: data)


def test_missing_frames_are_one_rejection_and_the_others_are_images(tmp_path: Path) -> None:
    frames = np.arange(3 * 64, dtype=np.uint16).reshape(3, 8, 8)
    found = processed(tmp_path, dicom_bytes(dataset(frames, NumberOfFrames=1000)))
    assert [image.frame for image in found.images] == [1, 2, 3]
    assert {image.frames for image in found.images} == {1000}
    (rejection,) = found.rejections
    assert (rejection.reason, rejection.frame) == ("truncated_pixel_data", 4)


@pytest.mark.parametrize("kind", WITHOUT)
def test_an_object_without_uids_is_refused_unless_a_setting_allows_it(tmp_path: Path, kind: str) -> None:
    data = dicom_bytes(dataset(**WITHOUT[kind]))
    assert [each.reason for each in processed(tmp_path, data).rejections] == ["missing_identity"]
    found = processed(tmp_path, data, require_uids=False)
    (image,) = found.images
    assert found.rejections == []
    number = int(hashlib.sha256(data).hexdigest()[:32], 16)
    assert image.sop_instance_uid == image.image_id == found.sop_instance_uid == f"2.25.{number}"
    assert UID_PATTERN.fullmatch(image.study_instance_uid)
    assert re.search(f"{number}.png", found.thumbnails[0].path)


def test_objects_of_a_study_without_uids_share_the_studys_and_have_their_own(tmp_path: Path) -> None:
    files = [dicom_bytes(dataset(InstanceNumber=n, **WITHOUT["absent"])) for n in (1, 2)]
    first, second = (processed(tmp_path, data, require_uids=False).images[0] for data in files)
    assert first.study_instance_uid == second.study_instance_uid
    assert first.sop_instance_uid != second.sop_instance_uid


def test_a_proper_uid_is_kept_beside_one_that_is_none(tmp_path: Path) -> None:
    data = dicom_bytes(dataset(SOPInstanceUID=None))
    (image,) = processed(tmp_path, data, require_uids=False).images
    assert image.study_instance_uid == "1.2.826.0.1.1"
    assert image.sop_instance_uid.startswith("2.25.")


def test_a_header_read_again_gives_the_same_uids(tmp_path: Path) -> None:
    data = dicom_bytes(dataset(**WITHOUT["absent"]))
    images = processed(tmp_path, data, require_uids=False).images
    landing = open_store(str(tmp_path / "landing"))
    rows = [ObjectRows(images, version=3)]
    assert list(HeaderReader(landing, require_uids=False).read(rows)) == [images]
    assert list(HeaderReader(landing).read(rows)) == [None]


def test_an_image_says_how_its_grays_were_chosen(tmp_path: Path) -> None:
    own: dict[str, Any] = {"WindowCenter": [9000, 24], "WindowWidth": [2, 48]}
    assert [t.grays for t in processed(tmp_path, dicom_bytes(dataset(**own))).thumbnails] == ["window 2"]
    assert [t.grays for t in processed(tmp_path, dicom_bytes(dataset())).thumbnails] == ["percentiles"]
