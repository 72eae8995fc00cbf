"""Modality values in 16 bits, against pydicom's own transform and the equations of PS3.3 C.11."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.pixels.processing import apply_modality_lut

from medsearch_core.dicom.grayscale import Window
from medsearch_core.dicom.pixels import render_frame
from medsearch_core.dicom.values import PIECE, FrameValues, Preset, frame_values, in_16_bits, window_over
from medsearch_core.errors import InvalidQuery
from tests.support.factories import dataset, sequence_item

RAMP = np.arange(-2048, 2048, dtype=np.int16).reshape(64, 64)


def values_of(found: FrameValues) -> np.ndarray:
    return found.stored * found.slope + found.intercept


def shown(found: FrameValues, window: Window) -> np.ndarray:
    levels = window.transform()(values_of(found).astype(np.float32))
    return np.rint(255 - levels if found.is_low_bright else levels)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"RescaleSlope": 1, "RescaleIntercept": -1024},
        {"RescaleSlope": 4, "RescaleIntercept": 3},
        {"RescaleSlope": -2, "RescaleIntercept": 0},
        {"PhotometricInterpretation": "MONOCHROME1"},
    ],
)
def test_whole_values_are_exactly_those_of_pydicom(attributes: dict[str, Any]) -> None:
    ds = dataset(RAMP, **attributes)
    found = frame_values(ds, 1)
    assert found.slope == 1
    assert np.array_equal(values_of(found), apply_modality_lut(RAMP, ds))


def test_a_modality_lut_is_looked_up() -> None:
    table = sequence_item(LUTDescriptor=[4, 10, 16], LUTData=[100, 7, 65000, 9], ModalityLUTType="US")
    ds = dataset(np.array([[9, 10, 11, 12, 13, 14]], np.uint16), ModalityLUTSequence=[table])
    assert values_of(frame_values(ds, 1)).tolist() == [[100, 100, 7, 65000, 9, 9]]


def test_fractions_are_kept_to_a_65535th_of_their_range() -> None:
    ds = dataset(RAMP, RescaleSlope="0.37", RescaleIntercept="-11.5")
    found = frame_values(ds, 1)
    exact = apply_modality_lut(RAMP, ds)
    assert found.slope == pytest.approx((exact.max() - exact.min()) / 65535)
    assert np.abs(values_of(found) - exact).max() <= found.slope * 0.51


def test_values_beyond_16_bits_are_rounded_over_their_range() -> None:
    wide = np.array([[0, 70_000, 4_000_000]], np.uint32)
    found = frame_values(dataset(wide), 1)
    assert np.abs(values_of(found) - wide).max() <= found.slope * 0.51


def test_what_is_no_number_is_the_lowest_value_and_what_is_infinite_an_end() -> None:
    stored, slope, intercept = in_16_bits(np.array([[np.nan, -np.inf, -0.5, 0.25, np.inf]], np.float32))
    assert (stored.tolist(), intercept) == ([[0, 0, 0, 65535, 65535]], -0.5)
    assert slope == pytest.approx(0.75 / 65535)
    assert in_16_bits(np.full((1, 2), np.nan, np.float32))[0].tolist() == [[0, 0]]


@pytest.mark.parametrize("intercept", ["1e308", "-1e308"])
def test_an_intercept_that_no_float_holds_is_none(intercept: str) -> None:
    ds = dataset(RAMP, RescaleSlope=1, RescaleIntercept=intercept)
    assert np.array_equal(values_of(frame_values(ds, 1)), RAMP)


def test_infinite_values_have_a_window_over_the_others() -> None:
    pixels = np.array([[np.nan, 0.0, 100.0, np.inf, -np.inf]] * 2, np.float32)
    found = frame_values(dataset(pixels), 1)
    assert (found.percentiles.center, found.percentiles.width) == (50.5, 101)
    slopes = frame_values(dataset(RAMP, RescaleSlope="3e38", RescaleIntercept="3e38"), 1)
    assert np.isfinite(slopes.percentiles.center)


@pytest.mark.parametrize("last", [3.0, 3.5, np.nan])
def test_the_values_of_a_frame_of_several_pieces_are_as_those_of_one(last: float) -> None:
    values = np.zeros((3, PIECE // 2 + 1), np.float32)
    values[0, 0], values[-1, -1] = -2, last
    stored, slope, intercept = in_16_bits(values)
    ends, of_ends, _ = in_16_bits(np.array([[-2, 0, last]], np.float32))
    assert (slope, intercept) == (of_ends, -2)
    assert [stored[0, 0], stored[1, 1], stored[-1, -1]] == ends.tolist()[0]


def test_the_largest_floats_do_not_overflow() -> None:
    most = float(np.finfo(np.float32).max)
    stored, _, _ = in_16_bits(np.array([[-most, 0, most]], np.float32))
    assert stored.tolist()[0][::2] == [0, 65535]
    assert abs(stored.tolist()[0][1] - 32768) <= 1


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"WindowCenter": 40, "WindowWidth": 400},
        {"WindowCenter": [40, 1], "WindowWidth": [400, 2], "VOILUTFunction": "SIGMOID"},
        {"WindowCenter": 0, "WindowWidth": 99.5, "VOILUTFunction": "LINEAR_EXACT"},
        {"WindowCenter": 0, "WindowWidth": 0},
        {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"},
        {"RescaleSlope": "0.01", "RescaleIntercept": "0"},
    ],
)
@pytest.mark.parametrize("side", [None, 40])
def test_the_window_to_begin_with_gives_the_picture(attributes: dict[str, Any], side: int | None) -> None:
    noise = np.random.default_rng(1).integers(-2048, 2048, (64, 50)).astype(np.int16)
    ds = dataset(noise, **attributes)
    found = frame_values(ds, 1, side)
    assert found.is_windowed
    assert found.full_size == (64, 50)
    assert np.abs(shown(found, found.window) - render_frame(ds, 1, side)).max() <= 1


@pytest.mark.parametrize(
    "pixels", [np.full((2, 2), 7, np.uint16), np.array([[0, 1], [0, 0]], bool), np.full((2, 2), 0.5, np.float32)]
)
def test_constant_and_one_bit_frames_begin_as_their_picture(pixels: np.ndarray) -> None:
    found = frame_values(dataset(pixels), 1)
    assert np.array_equal(shown(found, found.window), render_frame(dataset(pixels), 1))


def test_pixels_that_are_not_square_are_stretched_as_in_the_picture() -> None:
    ds = dataset(RAMP, PixelSpacing=[2, 1])
    assert frame_values(ds, 1).stored.shape == frame_values(ds, 1, 32).full_size == render_frame(ds, 1).shape == (128, 64)


def test_the_objects_windows_come_with_their_names() -> None:
    ds = dataset(
        RAMP, WindowCenter=[40, 9, -600], WindowWidth=[400, 0, 1500], WindowCenterWidthExplanation=["SOFT", "NONE", "LUNG"]
    )
    found = frame_values(ds, 1)
    assert found.presets == (Preset("SOFT", Window(40, 400)), Preset("LUNG", Window(-600, 1500)))
    assert found.window == Window(40, 400)
    unnamed = frame_values(dataset(RAMP, WindowCenter=[1, 2], WindowWidth=[3, 4], WindowCenterWidthExplanation=["A"]), 1)
    assert [preset.name for preset in unnamed.presets] == ["A", None]


def test_a_voi_lut_is_said_to_be_none_of_the_windows() -> None:
    table = sequence_item(LUTDescriptor=[2, 0, 8], LUTData=[9, 200])
    found = frame_values(dataset(RAMP, VOILUTSequence=[table], WindowCenter=40, WindowWidth=400), 1)
    assert not found.is_windowed
    assert found.window == Window(40, 400)


@pytest.mark.parametrize(("low", "high", "function"), [(0, 4095, "LINEAR"), (-3.5, 9, "LINEAR"), (0, 0.25, "LINEAR_EXACT")])
def test_a_window_over_two_limits_shows_them_as_black_and_white(low: float, high: float, function: str) -> None:
    levels = window_over(low, high, function).transform()(np.array([low, (low + high) / 2, high], np.float32))
    assert levels == pytest.approx([0, 127.5, 255], abs=0.01)


def test_color_has_no_values() -> None:
    with pytest.raises(InvalidQuery, match="color"):
        frame_values(dataset(np.zeros((2, 2, 3), np.uint8)), 1)
