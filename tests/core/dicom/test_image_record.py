from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR

from medsearch_core.columns import records_of, table_of
from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.image_record import PLAIN, age_years, image_records, iso_date, iso_time
from medsearch_core.errors import BadInput
from medsearch_core.records import ImageRecord
from tests.support.factories import GRADIENT, dataset, dicom_bytes, sequence_item

CINE = np.zeros((4, 6, 8), np.uint8)


@pytest.fixture(autouse=True)
def _malformed_values_may_be_written() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def rows(ds: Any, frames: list[int]) -> list[ImageRecord]:
    return image_records(ds, patient="p10000032", study="s50414267", key="k.dcm", sha256="ab", bytes=9, frames=frames)


def row(**attributes: Any) -> ImageRecord:
    return rows(read_dataset(dicom_bytes(dataset(**attributes))), [1])[0]


VALUES = {
    "CS": ("ANY", "ANY"),
    "LO": ("Any text", "Any text"),
    "SH": ("Any text", "Any text"),
    "UI": ("1.2.3", "1.2.3"),
    "IS": ("7", 7),
    "US": (7, 7),
    "UL": (7, 7),
    "DS": ("7.5", 7.5),
    "FD": (7.5, 7.5),
    "FL": (7.5, 7.5),
}
"""Value representation → a value of it as it is stored, and as it is read."""


@pytest.mark.parametrize("column", PLAIN)
def test_a_column_named_by_its_attribute_has_the_attributes_value_and_is_null_without_it(column: str) -> None:
    keyword, _ = PLAIN[column]
    stored, expected = VALUES[dictionary_VR(keyword)]
    ds = dataset()
    setattr(ds, keyword, stored)
    found = getattr(rows(ds, [1])[0], column)
    assert found == ([expected] if isinstance(found, list) else expected)
    delattr(ds, keyword)
    assert getattr(rows(ds, [1])[0], column) is None


def test_every_column_of_an_image_is_filled() -> None:
    found = row(
        StudyDate="21800506",
        StudyTime="213014.531000",
        StudyDescription="CHEST (PA AND LAT)",
        SeriesNumber=3,
        InstanceNumber=12,
        BodyPartExamined="CHEST",
        ViewPosition="PA",
        ImageLaterality="U",
        PatientOrientation=["L", "F"],
        PatientSex="F",
        PatientAge="052Y",
        Manufacturer="Acme",
        ManufacturerModelName="X1",
        KVP="120",
        BurnedInAnnotation="NO",
        ImagerPixelSpacing=[0.139, 0.15],
    )
    assert found == ImageRecord(
        image_id="1.2.826.0.1.1.1.1",
        patient="p10000032",
        study="s50414267",
        key="k.dcm",
        sha256="ab",
        bytes=9,
        frame=1,
        frames=1,
        is_representative=True,
        patient_id="10000032",
        study_instance_uid="1.2.826.0.1.1",
        series_instance_uid="1.2.826.0.1.1.1",
        sop_instance_uid="1.2.826.0.1.1.1.1",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.1.1",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        study_id="50414267",
        study_date="2180-05-06",
        study_time="21:30:14",
        study_description="CHEST (PA AND LAT)",
        series_number=3,
        instance_number=12,
        modality="DX",
        body_part_examined="CHEST",
        view_position="PA",
        laterality="U",
        patient_orientation="L\\F",
        patient_sex="F",
        patient_age_years=52.0,
        manufacturer="Acme",
        manufacturer_model_name="X1",
        kvp=120.0,
        burned_in_annotation="NO",
        photometric_interpretation="MONOCHROME2",
        rows=6,
        columns=8,
        bits_stored=16,
        pixel_spacing_mm=[0.139, 0.15],
        has_overlay=False,
    )
    assert records_of(ImageRecord, table_of(ImageRecord, [found])) == [found]


def test_an_image_without_optional_attributes_has_nulls() -> None:
    found = row(PatientID="", StudyID=None, SeriesInstanceUID=None, SOPClassUID=None, Modality="")
    assert (found.patient_id, found.study_id, found.series_instance_uid, found.modality) == (None, None, None, None)
    assert (found.study_date, found.kvp, found.pixel_spacing_mm, found.patient_age_years) == (None, None, None, None)


@pytest.mark.parametrize(
    ("attributes", "column"),
    [
        ({"StudyDate": "20200230"}, "study_date"),
        ({"StudyTime": "2560"}, "study_time"),
        ({"PatientAge": "OLD"}, "patient_age_years"),
        ({"PatientSex": "FEMALE"}, "patient_sex"),
        ({"BurnedInAnnotation": "MAYBE"}, "burned_in_annotation"),
        ({"ImagerPixelSpacing": [0.1]}, "pixel_spacing_mm"),
        ({"ImagerPixelSpacing": [0.1, 0]}, "pixel_spacing_mm"),
        ({"KVP": ["80", "120"]}, "kvp"),
        ({"StudyDate": ["20200101", "20200102"]}, "study_date"),
        ({"PatientAge": ["045Y", "046Y"]}, "patient_age_years"),
        ({"ViewPosition": "  "}, "view_position"),
    ],
    ids=str,
)
def test_a_malformed_value_is_null(attributes: dict[str, Any], column: str) -> None:
    assert getattr(row(**attributes), column) is None


@pytest.mark.parametrize(
    ("stored", "bad", "column"),
    [
        (b"IS\x04\x001234", b"IS\x04\x00ABCD", "series_number"),
        (b"IS\x04\x001234", b"IS\x04\x00 1.5", "series_number"),
        (b"DS\x04\x005678", b"DS\x04\x00HIGH", "kvp"),
        (b"DS\x04\x005678", b"DS\x04\x00 NaN", "kvp"),
    ],
)
def test_a_number_that_is_none_is_null(stored: bytes, bad: bytes, column: str) -> None:
    data = dicom_bytes(dataset(SeriesNumber=1234, KVP="5678"))
    assert stored in data
    assert getattr(rows(read_dataset(data.replace(stored, bad)), [1])[0], column) is None


def test_text_in_another_character_set_is_read_and_undecodable_text_never_stops_a_row() -> None:
    found = row(SpecificCharacterSet="ISO_IR 100", StudyDescription="Röntgen Thorax")
    assert found.study_description == "Röntgen Thorax"
    data = dicom_bytes(dataset(SpecificCharacterSet="ISO_IR 192", StudyDescription="abcd"))
    broken = rows(read_dataset(data.replace(b"abcd", b"a\xff\xfeb")), [1])
    assert table_of(ImageRecord, broken).num_rows == 1


@pytest.mark.parametrize(
    ("stored", "years"), [("045Y", 45.0), ("006M", 0.5), ("010W", 70 / 365.25), ("003D", 3 / 365.25), ("90y", 90.0)]
)
def test_an_age_is_given_in_years(stored: str, years: float) -> None:
    assert age_years(stored) == pytest.approx(years)


@pytest.mark.parametrize("stored", [None, "", "045", "Y45", "-45Y", "045Y\\046Y"])
def test_an_age_without_a_unit_is_no_age(stored: str | None) -> None:
    assert age_years(stored) is None


def test_dates_and_times_of_both_old_and_new_spelling_are_read() -> None:
    assert [iso_date("20240229"), iso_date("1993.08.22"), iso_date("2024-02-29")] == ["2024-02-29", "1993-08-22", "2024-02-29"]
    assert [iso_date("20230229"), iso_date("00000101"), iso_date("2024"), iso_date("20200101-20200201")] == [None] * 4
    assert [iso_time("07"), iso_time("0709"), iso_time("070907.0705"), iso_time("07:09:07")] == [
        "07:00:00",
        "07:09:00",
        "07:09:07",
        "07:09:07",
    ]
    assert [iso_time("24"), iso_time("0760"), iso_time("7"), iso_time("noon")] == [None] * 4


def test_image_laterality_comes_before_laterality() -> None:
    assert row(ImageLaterality="L", Laterality="R").laterality == "L"
    assert row(Laterality="R").laterality == "R"


def test_pixel_spacing_comes_before_the_spacing_at_the_detector() -> None:
    assert row(PixelSpacing=[0.2, 0.2], ImagerPixelSpacing=[0.139, 0.139]).pixel_spacing_mm == [0.2, 0.2]


def test_an_enhanced_object_gives_each_frame_its_own_spacing_and_side() -> None:
    def frame(spacing: float, side: str) -> Any:
        return sequence_item(
            PixelMeasuresSequence=[sequence_item(PixelSpacing=[spacing, spacing])],
            FrameAnatomySequence=[sequence_item(FrameLaterality=side)],
        )

    ds = dataset(np.zeros((2, 6, 8), np.uint8), PerFrameFunctionalGroupsSequence=[frame(0.5, "L"), frame(0.7, "R")])
    found = rows(read_dataset(dicom_bytes(ds)), [1, 2])
    assert [(r.pixel_spacing_mm, r.laterality) for r in found] == [([0.5, 0.5], "L"), ([0.7, 0.7], "R")]


def test_a_spacing_shared_by_all_frames_is_each_frames_spacing() -> None:
    shared = sequence_item(PixelMeasuresSequence=[sequence_item(PixelSpacing=[0.5, 0.25])])
    found = rows(dataset(CINE, SharedFunctionalGroupsSequence=[shared]), [1, 4])
    assert [r.pixel_spacing_mm for r in found] == [[0.5, 0.25]] * 2


def test_frames_of_one_object_have_distinct_ids_and_the_middle_one_represents_it() -> None:
    found = rows(dataset(CINE), [1, 2, 3, 4])
    assert [r.image_id for r in found] == [f"1.2.826.0.1.1.1.1_{n}" for n in (1, 2, 3, 4)]
    assert [r.is_representative for r in found] == [False, False, True, False]
    assert {r.frames for r in found} == {4}


def test_where_the_middle_frame_is_bad_the_middle_of_the_good_ones_stands_for_the_object() -> None:
    assert [r.frame for r in rows(dataset(CINE), [1, 2, 4]) if r.is_representative] == [2]


def test_an_object_without_good_frames_has_no_rows() -> None:
    assert rows(dataset(CINE), []) == []


def test_an_object_without_a_size_is_refused() -> None:
    with pytest.raises(BadInput) as caught:
        rows(dataset(None), [1])
    assert caught.value.reason == "unsupported_pixel_format"


@settings(deadline=None)
@given(st.binary(min_size=16, max_size=16), st.sampled_from([b"IS", b"DS", b"LO", b"AS", b"DA", b"TM", b"US", b"FD"]))
def test_no_value_of_any_type_stops_a_row(value: bytes, vr: bytes) -> None:
    data = dicom_bytes(dataset(GRADIENT, StudyDescription="0123456789abcdef"))
    at = data.index(b"0123456789abcdef")
    changed = data[: at - 4] + vr + data[at - 2 : at] + value + data[at + 16 :]
    found = rows(read_dataset(changed), [1])
    assert table_of(ImageRecord, found).num_rows == 1
