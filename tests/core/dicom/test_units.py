"""Units of modality values, by PS3.3 C.8.2.1.1.2, C.8.9.1.1.3 and C.11.1.1.2."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from medsearch_core.dicom.units import value_unit
from medsearch_core.dicom.values import frame_values
from tests.support.factories import dataset, sequence_item

RESCALED: dict[str, Any] = {"RescaleSlope": 1, "RescaleIntercept": -1024}
CT: dict[str, Any] = {"Modality": "CT", "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"], **RESCALED}


def unit(**attributes: Any) -> str | None:
    return value_unit(dataset(**attributes), 1)


def test_an_original_ct_image_is_in_hounsfield_units() -> None:
    assert unit(**CT) == "HU"


@pytest.mark.parametrize(
    "other",
    [
        {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
        {"ImageType": ["DERIVED", "SECONDARY", "OTHER"]},
        {"ImageType": None},
        {"MultienergyCTAcquisition": "YES"},
        {"Modality": "MR"},
        {"RescaleSlope": None},
    ],
    ids=str,
)
def test_what_need_not_be_in_hounsfield_units_is_not_said_to_be(other: dict[str, Any]) -> None:
    assert unit(**CT | other) is None


@pytest.mark.parametrize(
    ("stated", "expected"),
    [("HU", "HU"), ("US", None), ("OD", "OD"), ("MGML", "mg/ml"), ("normalized", "normalized"), ("x" * 64, "x" * 16)],
)
def test_a_stated_rescale_type_decides(stated: str, expected: str | None) -> None:
    assert unit(**CT, RescaleType=stated) == expected
    assert unit(Modality="DX", RescaleType=stated, **RESCALED) == expected


def test_a_modality_lut_has_the_unit_of_its_type() -> None:
    table = sequence_item(LUTDescriptor=[2, 0, 16], LUTData=[0, 1], ModalityLUTType="OD")
    assert unit(**CT, ModalityLUTSequence=[table]) == "OD"
    del table.ModalityLUTType
    assert unit(**CT, ModalityLUTSequence=[table]) is None


def test_a_frame_of_an_enhanced_object_has_its_own_unit() -> None:
    groups = [
        sequence_item(PixelValueTransformationSequence=[sequence_item(RescaleType=kind, **RESCALED)]) for kind in ("HU", "US")
    ]
    ds = dataset(np.zeros((2, 4, 4), np.uint16), Modality="CT", PerFrameFunctionalGroupsSequence=groups)
    assert [value_unit(ds, frame) for frame in (1, 2)] == ["HU", None]


@pytest.mark.parametrize(("stated", "expected"), [("BQML", "Bq/ml"), ("CNTS", "counts"), ("NONE", None)])
def test_a_pet_image_has_the_unit_of_its_series(stated: str, expected: str | None) -> None:
    assert unit(Modality="PT", Units=stated, **RESCALED) == expected


@pytest.mark.parametrize(("slope", "expected"), [(1.0, "mm2/s"), (2.0, None)])
def test_a_real_world_value_mapping_names_the_unit_if_it_is_the_same_transformation(slope: float, expected: str | None) -> None:
    code = sequence_item(CodeValue="mm2/s", CodingSchemeDesignator="UCUM")
    mapping = sequence_item(RealWorldValueSlope=slope, RealWorldValueIntercept=-1024.0, MeasurementUnitsCodeSequence=[code])
    assert unit(Modality="MR", RealWorldValueMappingSequence=[mapping], **RESCALED) == expected


def test_values_come_with_their_unit() -> None:
    assert frame_values(dataset(**CT), 1).unit == "HU"
    assert frame_values(dataset(), 1).unit is None
