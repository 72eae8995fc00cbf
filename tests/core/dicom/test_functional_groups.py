"""Rows of multi-frame objects: what functional groups say of a frame is in its row, in the columns of any other object."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from medsearch_core.columns import records_of, table_of
from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.image_record import image_records, iso_datetime
from medsearch_core.dicom.inspection.inspect import inspect_pixels
from medsearch_core.records import ImageRecord
from tests.support.factories import dataset, dicom_bytes, sequence_item

FRAMES = np.zeros((3, 8, 8), np.uint16)
AXIAL, CORONAL = [1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1]


def groups(**macros: dict[str, Any]) -> Dataset:
    return sequence_item(**{f"{name}Sequence": [sequence_item(**attributes)] for name, attributes in macros.items()})


def own(number: int) -> Dataset:
    return groups(
        PlanePosition={"ImagePositionPatient": [-10, -20, 5 * number]},
        FrameContent={
            "StackID": "1",
            "InStackPositionNumber": number,
            "TemporalPositionIndex": 2,
            "DimensionIndexValues": [1, number],
            "FrameAcquisitionDateTime": f"2180050612000{number}.25",
        },
        MRImageFrameType={"FrameType": ["ORIGINAL", "PRIMARY", "T1", "NONE"]},
    )


SHARED = groups(
    PixelMeasures={"PixelSpacing": [0.5, 0.7], "SliceThickness": 4, "SpacingBetweenSlices": 5},
    PlaneOrientation={"ImageOrientationPatient": AXIAL},
)


def rows(ds: Dataset) -> list[ImageRecord]:
    frames = range(1, int(ds.get("NumberOfFrames", 1)) + 1)
    return image_records(ds, patient="p", study="s", key="k", sha256="a", bytes=1, frames=frames)


def enhanced(**attributes: Any) -> Dataset:
    usual = {"PerFrameFunctionalGroupsSequence": [own(n) for n in (1, 2, 3)], "SharedFunctionalGroupsSequence": [SHARED]}
    return read_dataset(dicom_bytes(dataset(FRAMES, Modality="MR", **{**usual, **attributes})))


def test_each_frame_has_its_own_place_and_what_all_share() -> None:
    found = rows(enhanced())
    assert [row.image_position_mm for row in found] == [[-10, -20, 5], [-10, -20, 10], [-10, -20, 15]]
    assert {tuple(row.image_orientation or ()) for row in found} == {tuple(AXIAL)}
    assert {tuple(row.pixel_spacing_mm or ()) for row in found} == {(0.5, 0.7)}
    assert {(row.slice_thickness_mm, row.spacing_between_slices_mm) for row in found} == {(4, 5)}
    assert [(row.stack_id, row.in_stack_position, row.temporal_position_index) for row in found] == [
        ("1", n, 2) for n in (1, 2, 3)
    ]
    assert [row.dimension_index_values for row in found] == [[1, 1], [1, 2], [1, 3]]
    assert [row.acquisition_datetime for row in found] == [f"2180-05-06T12:00:0{n}.25" for n in (1, 2, 3)]
    assert {row.image_type for row in found} == {"ORIGINAL\\PRIMARY\\T1\\NONE"}
    assert records_of(ImageRecord, table_of(ImageRecord, found)) == found


def test_a_single_frame_object_fills_the_same_columns() -> None:
    ds = dataset(
        Modality="CT", ImageType=["ORIGINAL", "PRIMARY", "AXIAL"], ImagePositionPatient=[1, 2, 3],
        ImageOrientationPatient=CORONAL, SliceThickness=2, SpacingBetweenSlices="1.5", AcquisitionDate="21800506",
        AcquisitionTime="2130",
    )  # fmt: skip
    (found,) = rows(read_dataset(dicom_bytes(ds)))
    assert (found.image_position_mm, found.image_orientation) == ([1, 2, 3], CORONAL)
    assert (found.slice_thickness_mm, found.spacing_between_slices_mm) == (2, 1.5)
    assert (found.image_type, found.acquisition_datetime) == ("ORIGINAL\\PRIMARY\\AXIAL", "2180-05-06T21:30:00")
    assert (found.stack_id, found.dimension_index_values) == (None, None)


def test_a_frames_own_group_comes_before_the_shared_one_and_both_before_the_object() -> None:
    frames = [own(1), own(2), own(3)]
    frames[1].PixelMeasuresSequence = [sequence_item(PixelSpacing=[1, 1], SliceThickness=9)]
    found = rows(enhanced(PerFrameFunctionalGroupsSequence=frames, PixelSpacing=[3, 3], SliceThickness=7))
    assert [row.pixel_spacing_mm for row in found] == [[0.5, 0.7], [1, 1], [0.5, 0.7]]
    assert [row.slice_thickness_mm for row in found] == [4, 9, 4]
    assert [row.spacing_between_slices_mm for row in found] == [5, 5, 5], "the frame's own group does not say it"
    without = rows(enhanced(SharedFunctionalGroupsSequence=None, PixelSpacing=[3, 3], SliceThickness=7))
    assert {(row.slice_thickness_mm, tuple(row.pixel_spacing_mm or ())) for row in without} == {(7, (3, 3))}


@pytest.mark.parametrize(
    "broken",
    [[], [1, 2], ["no group"], [Dataset()], [groups(PlanePosition={"ImagePositionPatient": [1, 2]})] * 3],
    ids=["none", "two", "text", "one empty", "two numbers"],
)
def test_groups_that_are_missing_or_malformed_leave_columns_null_and_keep_every_frame(broken: list[Any]) -> None:
    kept = [each for each in broken if isinstance(each, Dataset)]
    found = rows(enhanced(PerFrameFunctionalGroupsSequence=kept))
    assert len(found) == 3
    assert [row.image_position_mm for row in found] == [None] * 3
    assert [row.image_orientation for row in found] == [AXIAL] * 3


@pytest.mark.parametrize("orientation", [[1, 0, 0], [1, 0, 0, 1, 0, 0], [2, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0]])
def test_an_orientation_that_is_no_plane_is_null(orientation: list[float]) -> None:
    assert rows(dataset(ImageOrientationPatient=orientation))[0].image_orientation is None


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ("20180506", "2018-05-06"),
        ("2018050612", "2018-05-06T12:00:00"),
        ("20180506123456.789+0200", "2018-05-06T12:34:56.789+02:00"),
        ("20180506123456-0500", "2018-05-06T12:34:56-05:00"),
        ("2018", None),
        ("20181306", None),
        ("2018050625", None),
        ("20180506123456.", None),
        ("", None),
        (None, None),
    ],
)
def test_dates_and_times_are_in_iso_8601(stored: str | None, expected: str | None) -> None:
    assert iso_datetime(stored) == expected


def test_an_inspection_says_where_each_frame_lies_and_no_date() -> None:
    found = inspect_pixels(enhanced())
    places = [next(step for step in frame.steps if step.name == "place") for frame in found.frames]
    assert [step.parameters["position_mm"] for step in places] == [[-10, -20, 5], [-10, -20, 10], [-10, -20, 15]]
    assert places[1].parameters["dimension_index_values"] == [1, 2]
    assert places[1].parameters["slice_thickness_mm"] == 4
    assert "2180" not in repr(found)
    assert found.disagreements == ()


def test_an_inspection_says_if_frames_have_no_groups() -> None:
    found = inspect_pixels(enhanced(PerFrameFunctionalGroupsSequence=[own(1)]))
    assert [each.code for each in found.disagreements] == ["functional_groups"]
