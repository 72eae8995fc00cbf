"""Discovery's decisions: which study an object belongs to, told from its key or its header."""

from __future__ import annotations

from typing import Any

import pytest

from medsearch_core.columns import table_of
from medsearch_core.errors import BadInput, ConfigurationError
from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedObject
from medsearch_core.storage.object_store import ObjectInfo
from medsearch_pipeline.intake.inventory import studies_in
from medsearch_pipeline.intake.placement import (
    is_unchanged,
    place_by_key,
    place_unreadable,
    placed_object,
    rejected_object,
    rejections_of,
)
from medsearch_pipeline.settings.layout import MIMIC_CXR, Layout

FOLDER = "files/p10/p10000032/s50414267"
STUDY = StudyKey("p10000032", "s50414267")


def info(key: str, size: int = 100, addressable: bool = True) -> ObjectInfo:
    return ObjectInfo(key, size, "tag", addressable)


def place(key: str, **arguments: Any) -> LandedObject | None:
    return place_by_key(info(key, **arguments), MIMIC_CXR)


def test_mimic_keys_spell_their_study_for_images_and_reports_alike() -> None:
    image, report = place(f"{FOLDER}/1.2.dcm"), place(f"{FOLDER}.txt")
    assert image == placed_object(info(f"{FOLDER}/1.2.dcm"), STUDY, "dicom")
    assert report == placed_object(info(f"{FOLDER}.txt"), STUDY, "report")


def test_a_landing_prefix_before_the_layout_changes_nothing() -> None:
    item = place(f"upload/2026/{FOLDER}/1.2.dcm")
    assert item
    assert (item.patient, item.study) == ("p10000032", "s50414267")


def test_an_object_elsewhere_waits_for_its_header() -> None:
    assert place("archive/IM0001") is None


def test_an_empty_object_is_refused_within_its_study() -> None:
    item = place(f"{FOLDER}/1.2.dcm", size=0)
    assert item
    assert (item.kind, item.reason, item.study) == ("rejected", "empty_object", "s50414267")


def test_a_name_no_store_can_be_asked_for_is_refused_by_that_name() -> None:
    item = place("line\\nbreak.dcm", addressable=False)
    assert item
    assert item.reason == "unaddressable_name"


def test_a_layout_whose_folders_are_not_safe_keys_falls_back_to_the_header() -> None:
    layout = Layout.of(r"(?P<patient>[^/]+)/(?P<study>[^/]+)/[^/]+")
    assert layout.study_of("4711/2/a.dcm") == StudyKey("4711", "2")
    assert layout.study_of("Doe^Jane/2/a.dcm") is None


@pytest.mark.parametrize("expression", ["(?P<patient>x", "(?P<patient>x)", "nothing"])
def test_a_layout_that_cannot_name_patient_and_study_is_a_configuration_error(expression: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\(\?P<patient>|regular expression"):
        Layout.of(expression)


def test_a_file_that_never_claimed_to_be_dicom_is_unrecognised_and_one_that_did_is_not_dicom() -> None:
    fault = BadInput("not_dicom", "no DICOM data set")
    assert place_unreadable(info("site/index.html"), fault).reason == "unrecognised_object"
    assert place_unreadable(info("site/scan.dcm"), fault).reason == "not_dicom"
    assert place_unreadable(info("site/IM0001"), BadInput("truncated_header", "x")).reason == "truncated_header"


def test_a_header_is_read_again_only_for_another_version() -> None:
    before = placed_object(info("a"), STUDY, "dicom")
    assert is_unchanged(info("a"), before)
    assert not is_unchanged(ObjectInfo("a", 101, "tag"), before)
    assert not is_unchanged(ObjectInfo("a", 100, "other"), before)
    assert not is_unchanged(info("a"), None)


def test_studies_come_sorted_by_patient_and_rejected_ones_are_not_forgotten() -> None:
    objects = [
        placed_object(info("x"), StudyKey("p2", "s1"), "dicom"),
        placed_object(info("y"), StudyKey("p1", "s9"), "report"),
        rejected_object(info("z"), "empty_object", "the object has no bytes", StudyKey("p1", "s3")),
        rejected_object(info("w"), "unrecognised_object", "neither"),
    ]
    assert [s.partition for s in studies_in(table_of(LandedObject, objects))] == ["p1/s3", "p1/s9", "p2/s1"]
    assert [(r.key, r.stage, r.reason, r.study) for r in rejections_of(objects)] == [
        ("z", "inventory", "empty_object", "s3"),
        ("w", "inventory", "unrecognised_object", None),
    ]
