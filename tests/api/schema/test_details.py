"""Acquisition details of an image, from its row."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
from pydicom.dataset import Dataset

from medsearch_api.schema.details import ImageDetail, UltrasoundRegion
from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.image_record import image_records
from medsearch_core.records import ImageRecord
from tests.core.dicom.test_ultrasound import TISSUE, ultrasound
from tests.support.factories import dataset, dicom_bytes, sequence_item


def row(ds: Dataset) -> ImageRecord:
    read = read_dataset(dicom_bytes(ds))
    return image_records(read, patient="p", study="s", key="k", sha256="a", bytes=1, frames=[1])[0]


def detail(record: ImageRecord) -> ImageDetail:
    return ImageDetail.from_row(asdict(record))


def test_a_frame_has_its_place() -> None:
    groups = sequence_item(
        PlanePositionSequence=[sequence_item(ImagePositionPatient=[1, 2, 3])],
        PlaneOrientationSequence=[sequence_item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        FrameContentSequence=[sequence_item(StackID="A", InStackPositionNumber=4, DimensionIndexValues=[1, 4])],
        PixelMeasuresSequence=[sequence_item(SliceThickness=2.5)],
    )
    found = detail(row(dataset(np.zeros((2, 4, 4), np.uint16), PerFrameFunctionalGroupsSequence=[groups, Dataset()])))
    assert (found.image_position_mm, found.image_orientation) == ([1, 2, 3], [1, 0, 0, 0, 1, 0])
    assert (found.stack_id, found.in_stack_position, found.dimension_index_values) == ("A", 4, [1, 4])
    assert found.slice_thickness_mm == 2.5
    assert ("Slice thickness", "2.5", "mm") in [(each.label, each.value, each.unit) for each in found.attributes]


def test_a_number_beyond_an_int_of_graphql_is_null() -> None:
    large = replace(row(dataset()), in_stack_position=2**32 - 1, temporal_position_index=7, dimension_index_values=[1, 2**31])
    found = detail(large)
    assert (found.in_stack_position, found.temporal_position_index, found.dimension_index_values) == (None, 7, None)


def test_an_ultrasound_image_has_its_regions() -> None:
    found = detail(row(ultrasound(TISSUE)))
    assert found.ultrasound_regions is not None
    (region,) = found.ultrasound_regions
    assert isinstance(region, UltrasoundRegion)
    assert (region.min_x, region.spatial_format, region.unit_y) == (10, "2D", "cm")
    assert detail(row(dataset())).ultrasound_regions is None


def test_modifiers_of_a_view_are_words_of_an_attribute() -> None:
    found = detail(replace(row(dataset()), view_modifiers=["ID", "M"]))
    assert ("View modifiers", "ID, M") in [(each.label, each.value) for each in found.attributes]
