"""Real world values, by PS3.3 C.7.6.16.2.11, as mappings of the modality values that are sent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.inspection.inspect import inspect_pixels
from medsearch_core.dicom.real_world import MAX_MAPPINGS, RealWorldMapping
from medsearch_core.dicom.values import FrameValues, frame_values
from tests.support.factories import dataset, dicom_bytes, sequence_item

STORED = np.arange(100, 148, dtype=np.uint16).reshape(6, 8)


def unit(code: str, scheme: str | None = "UCUM") -> list[Dataset]:
    made = sequence_item(CodeValue=code, CodeMeaning="any")
    if scheme:
        made.CodingSchemeDesignator = scheme
    return [made]


def linear(slope: float = 0.5, intercept: float = -3, first: int = 100, last: int = 140, **attributes: Any) -> Dataset:
    ends = {"RealWorldValueFirstValueMapped": first, "RealWorldValueLastValueMapped": last}
    rule = {"RealWorldValueSlope": slope, "RealWorldValueIntercept": intercept, "LUTLabel": "ADC"}
    return sequence_item(**{**ends, **rule, "MeasurementUnitsCodeSequence": unit("um2/s"), **attributes})


def table(*entries: float, first: int = 100, **attributes: Any) -> Dataset:
    last = first + len(entries) - 1
    return sequence_item(
        RealWorldValueFirstValueMapped=first, RealWorldValueLastValueMapped=last, RealWorldValueLUTData=[*entries],
        MeasurementUnitsCodeSequence=unit("Cel"), **attributes,
    )  # fmt: skip


def mapped(*mappings: Dataset, pixels: np.ndarray = STORED, **attributes: Any) -> Dataset:
    return read_dataset(dicom_bytes(dataset(pixels, RealWorldValueMappingSequence=[*mappings], **attributes)))


def mapping(ds: Dataset, frame: int = 1) -> RealWorldMapping:
    (found,) = frame_values(ds, frame).real_world
    return found


def measured(found: FrameValues) -> np.ndarray:
    """Real world values as a client computes them from what is sent; NaN where there is none."""
    (by,) = found.real_world
    values = found.stored * found.slope + found.intercept
    low, high = -np.inf if by.low is None else by.low, np.inf if by.high is None else by.high
    if by.table is None:
        assert by.slope is not None
        assert by.intercept is not None
        real = values * by.slope + by.intercept
    else:
        step = (high - low) / max(len(by.table) - 1, 1)
        real = np.array(by.table)[np.rint((values.clip(low, high) - low) / (step or 1)).astype(int)]
    return np.where((values >= low) & (values <= high), real, np.nan)


def due(rule: np.ndarray, first: int, last: int) -> np.ndarray:
    return np.where((first <= STORED) & (last >= STORED), rule, np.nan)


RESCALED: list[dict[str, Any]] = [
    {},
    {"RescaleSlope": 2, "RescaleIntercept": -1024},
    {"RescaleSlope": "0.37", "RescaleIntercept": 5},
    {"RescaleSlope": -4, "RescaleIntercept": 9},
]


@pytest.mark.parametrize("rescale", RESCALED)
def test_a_linear_mapping_is_of_stored_values_whatever_the_modality_makes_of_them(rescale: dict[str, Any]) -> None:
    found = frame_values(mapped(linear(), **rescale), 1)
    exact = due(STORED * 0.5 - 3, 100, 140)
    inner = (STORED > 100) & (STORED < 140)  # at a limit, rounding decides
    assert measured(found)[inner] == pytest.approx(exact[inner], abs=2 * abs(found.slope) if found.slope < 1 else 1e-6)
    assert np.isnan(measured(found)[STORED > 141]).all()
    assert (found.real_world[0].unit, found.real_world[0].label) == ("um2/s", "ADC")


@pytest.mark.parametrize("rescale", [RESCALED[n] for n in (0, 1, 3)])
def test_a_table_has_an_entry_for_each_stored_value(rescale: dict[str, Any]) -> None:
    entries = [float(n * n) for n in range(30)]
    found = frame_values(mapped(table(*entries, first=110), **rescale), 1)
    exact = due(np.array(entries)[(STORED.astype(int) - 110).clip(0, 29)], 110, 139)
    assert np.array_equal(measured(found), exact, equal_nan=True)
    assert found.real_world[0].unit == "Cel"


def test_floating_point_pixels_have_limits_of_their_own() -> None:
    by = sequence_item(
        DoubleFloatRealWorldValueFirstValueMapped=-1.5, DoubleFloatRealWorldValueLastValueMapped=9.0, RealWorldValueSlope=10.0,
        RealWorldValueIntercept=1.0, MeasurementUnitsCodeSequence=unit("mm2/s"),
    )  # fmt: skip
    found = mapping(mapped(by, pixels=np.array([[-1.5, 0, 9]], np.float32)))
    assert (found.low, found.high, found.slope, found.intercept) == (-1.5, 9, 10, 1)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_limits_of_signed_pixels_are_read_in_either_vr(syntax: str) -> None:
    ds = dataset(
        STORED.astype(np.int16) - 120, RealWorldValueMappingSequence=[linear(first=-20, last=27)],
        transfer_syntax=syntax,
    )  # fmt: skip
    assert (mapping(read_dataset(dicom_bytes(ds))).low, mapping(read_dataset(dicom_bytes(ds))).high) == (-20, 27)


def test_each_frame_has_its_own_mapping_else_the_shared_one_else_the_objects() -> None:
    own = [sequence_item(RealWorldValueMappingSequence=[linear(slope)]) for slope in (2.0, 3.0)]
    shared = [sequence_item(RealWorldValueMappingSequence=[linear(4.0)])]
    frames = np.stack([STORED] * 3)
    ds = mapped(
        linear(5.0), pixels=frames, PerFrameFunctionalGroupsSequence=[*own, Dataset()], SharedFunctionalGroupsSequence=shared
    )
    assert [mapping(ds, frame).slope for frame in (1, 2, 3)] == [2, 3, 4]
    assert mapping(mapped(linear(5.0), pixels=frames), 2).slope == 5


def test_several_mappings_are_all_sent_up_to_a_limit() -> None:
    found = frame_values(mapped(linear(1.0), table(1.0, 2.0), *[linear()] * MAX_MAPPINGS), 1).real_world
    assert len(found) == MAX_MAPPINGS
    assert (found[0].slope, found[1].table) == (1, (1, 2))


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (unit("g/ml"), "g/ml"),
        (unit("g/ml", None), "g/ml"),
        (unit("g/ml", "LOCAL"), None),
        ([], None),
        (unit("x" * 30), "x" * 16),
    ],
)
def test_the_unit_is_a_code_of_ucum(stated: list[Dataset], expected: str | None) -> None:
    assert mapping(mapped(linear(MeasurementUnitsCodeSequence=stated))).unit == expected


BAD = {
    "limits the wrong way round": linear(first=140, last=100),
    "no slope": linear(RealWorldValueSlope=None),
    "a slope that is no number": linear(RealWorldValueSlope=float("nan")),
    "a table that is too short": table(1.0, 2.0, RealWorldValueIntercept=None),
}
BAD["a table that is too short"].RealWorldValueLastValueMapped = 120


@pytest.mark.parametrize("name", BAD)
def test_a_mapping_that_cannot_be_used_costs_itself_alone(name: str) -> None:
    ds = mapped(BAD[name], linear(7.0))
    assert mapping(ds).slope == 7
    (frame,) = inspect_pixels(ds).frames
    assert [each.code for each in frame.disagreements] == ["real_world_mapping"]


def test_through_a_modality_lut_stored_values_cannot_be_told() -> None:
    lut = sequence_item(LUTDescriptor=[4, 100, 16], LUTData=np.array([1, 2, 3, 4], "<u2").tobytes(), ModalityLUTType="US")
    assert frame_values(mapped(linear(), ModalityLUTSequence=[lut]), 1).real_world == ()


def test_an_inspection_names_each_mapping_and_units_that_it_knows() -> None:
    strange = linear(MeasurementUnitsCodeSequence=unit("DOE JANE"))
    (frame,) = inspect_pixels(mapped(linear(), table(1.0, 2.0), strange)).frames
    steps = [step for step in frame.steps if step.name == "real world"]
    assert [(step.result, step.parameters["unit"]) for step in steps] == [
        ("linear", "um2/s"),
        ("LUT", "Cel"),
        ("linear", "another"),
    ]
    assert steps[1].parameters["entries"] == 2
    assert frame.disagreements == ()
