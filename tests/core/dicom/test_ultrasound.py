"""Regions of ultrasound images, by PS3.3 C.8.5.5."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from medsearch_core.columns import records_of, table_of
from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.image_record import image_records
from medsearch_core.dicom.inspection.inspect import inspect_pixels
from medsearch_core.dicom.ultrasound import MAX_REGIONS, ultrasound_regions
from medsearch_core.records import ImageRecord
from tests.support.factories import dataset, dicom_bytes, sequence_item

PIXELS = np.zeros((60, 80), np.uint8)
TISSUE: dict[str, Any] = {
    "RegionSpatialFormat": 1, "RegionDataType": 1, "RegionFlags": 0,
    "RegionLocationMinX0": 10, "RegionLocationMinY0": 5, "RegionLocationMaxX1": 69, "RegionLocationMaxY1": 54,
    "PhysicalUnitsXDirection": 3, "PhysicalUnitsYDirection": 3, "PhysicalDeltaX": 0.05, "PhysicalDeltaY": 0.04,
}  # fmt: skip


def ultrasound(*regions: dict[str, Any], pixels: np.ndarray = PIXELS) -> Dataset:
    made = [sequence_item(**{name: each for name, each in region.items() if each is not None}) for region in regions]
    return read_dataset(dicom_bytes(dataset(pixels, Modality="US", SequenceOfUltrasoundRegions=made)))


def rows(ds: Dataset, frames: int = 1) -> list[ImageRecord]:
    return image_records(ds, patient="p", study="s", key="k", sha256="a", bytes=1, frames=range(1, frames + 1))


def test_a_region_of_tissue_has_its_box_and_its_spacing_in_mm() -> None:
    (found,) = rows(ultrasound(TISSUE))
    assert found.ultrasound_regions == [
        {
            "min_x": 10, "min_y": 5, "max_x": 69, "max_y": 54, "spatial_format": "2D", "data_type": "tissue",
            "unit_x": "cm", "unit_y": "cm", "delta_x": 0.05, "delta_y": 0.04, "pixel_spacing_mm": pytest.approx([0.4, 0.5]),
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "spacing"),
    [
        ({"RegionDataType": 2}, [0.4, 0.5]),
        ({"PhysicalDeltaX": -0.05}, [0.4, 0.5]),
        ({"RegionSpatialFormat": 2, "PhysicalUnitsXDirection": 4}, None),
        ({"RegionSpatialFormat": 3, "PhysicalUnitsXDirection": 4, "PhysicalUnitsYDirection": 7}, None),
        ({"RegionSpatialFormat": 5}, None),
        ({"PhysicalUnitsYDirection": 0}, None),
        ({"PhysicalDeltaY": 0.0}, None),
        ({"PhysicalDeltaX": None}, None),
        ({"PhysicalDeltaX": float("nan")}, None),
    ],
)
def test_only_what_is_2d_and_in_centimeters_can_be_measured_in_mm(changed: dict[str, Any], spacing: list[float] | None) -> None:
    (region,) = ultrasound_regions(ultrasound({**TISSUE, **changed})).usable
    assert region.pixel_spacing_mm == (spacing if spacing is None else pytest.approx(spacing))


def test_units_and_kinds_are_named_and_unknown_ones_are_null() -> None:
    doppler = {"RegionSpatialFormat": 3, "RegionDataType": 4, "PhysicalUnitsXDirection": 4, "PhysicalUnitsYDirection": 7}
    (region,) = ultrasound_regions(ultrasound({**TISSUE, **doppler})).usable
    assert (region.spatial_format, region.data_type) == ("spectral", "CW spectral Doppler")
    assert (region.unit_x, region.unit_y) == ("s", "cm/s")
    (other,) = ultrasound_regions(ultrasound({**TISSUE, "RegionSpatialFormat": 99, "PhysicalUnitsXDirection": 99})).usable
    assert (other.spatial_format, other.unit_x) == (None, None)


@pytest.mark.parametrize(
    "changed",
    [
        {"RegionLocationMinX0": None},
        {"RegionLocationMinX0": 70, "RegionLocationMaxX1": 60},
        {"RegionLocationMinY0": 60, "RegionLocationMaxY1": 90},
    ],
)
def test_a_region_without_a_place_in_the_image_costs_itself_alone(changed: dict[str, Any]) -> None:
    ds = ultrasound({**TISSUE, **changed}, TISSUE)
    found = ultrasound_regions(ds)
    assert (len(found.usable), found.unusable) == (1, 1)
    assert [each.code for each in inspect_pixels(ds).disagreements] == ["ultrasound_region"]


def test_a_region_that_reaches_beyond_the_image_is_clipped() -> None:
    ds = ultrasound({**TISSUE, "RegionLocationMaxX1": 80, "RegionLocationMaxY1": 2**31})
    (region,) = ultrasound_regions(ds).usable
    assert (region.max_x, region.max_y) == (79, 59)
    assert [each.code for each in inspect_pixels(ds).disagreements] == ["ultrasound_region"]


def test_no_more_than_the_first_regions_are_read() -> None:
    ds = ultrasound(*[TISSUE] * (MAX_REGIONS + 3))
    assert len(ultrasound_regions(ds).usable) == MAX_REGIONS
    assert ultrasound_regions(ds).beyond == 3
    assert [each.code for each in inspect_pixels(ds).disagreements] == ["ultrasound_region"]


def test_every_frame_has_the_regions_and_parquet_keeps_them() -> None:
    found = rows(ultrasound(TISSUE, pixels=np.stack([PIXELS] * 2)), 2)
    assert found[0].ultrasound_regions == found[1].ultrasound_regions is not None
    assert records_of(ImageRecord, table_of(ImageRecord, found)) == found
    assert rows(dataset(PIXELS))[0].ultrasound_regions is None


def test_an_inspection_names_the_regions() -> None:
    doppler = {**TISSUE, "RegionSpatialFormat": 3, "PhysicalUnitsXDirection": 4, "PhysicalUnitsYDirection": 7}
    found = inspect_pixels(ultrasound(TISSUE, doppler))
    (step,) = [step for step in found.steps if step.name == "regions"]
    assert step.parameters["formats"] == ["2D", "spectral"]
    assert step.parameters["pixel_spacing_mm"] == [pytest.approx([0.4, 0.5]), None]
    assert found.disagreements == ()
