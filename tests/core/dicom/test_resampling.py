from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from medsearch_core.dicom.geometry import pixel_aspect
from medsearch_core.dicom.pixels import render_frame
from medsearch_core.dicom.resampling import area_means, picture_size, resampled, sampled
from tests.support.factories import dataset, sequence_item

EXACT: dict[str, Any] = {"WindowCenter": 50, "WindowWidth": 100, "VOILUTFunction": "LINEAR_EXACT"}


@pytest.mark.parametrize(
    ("rows", "columns", "aspect", "side", "size"),
    [
        (3056, 2544, 1.0, 512, (512, 426)),
        (2544, 3056, 1.0, 512, (426, 512)),
        (100, 50, 1.0, 512, (100, 50)),
        (100, 50, 1.0, None, (100, 50)),
        (512, 512, 1.0, 512, (512, 512)),
        (100, 100, 2.0, None, (200, 100)),
        (100, 100, 0.5, None, (100, 200)),
        (1000, 1000, 2.0, 500, (500, 250)),
        (65535, 1, 1.0, 512, (512, 1)),
    ],
)
def test_a_picture_keeps_its_proportions_and_is_never_enlarged(
    rows: int, columns: int, aspect: float, side: int | None, size: tuple[int, int]
) -> None:
    assert picture_size(rows, columns, aspect, side) == size


def test_a_smaller_picture_is_the_mean_of_the_areas() -> None:
    pixels = np.array([[0, 40, 100, 60], [20, 100, 100, 20]], np.uint16)
    assert render_frame(dataset(pixels, **EXACT), 1, 2).tolist() == [[102, 179]]  # means 40 and 70 of 0..100


def test_averaging_works_on_stored_values_before_the_window_cuts_them() -> None:
    pixels = np.array([[0, 200], [0, 200]], np.uint16)
    assert render_frame(dataset(pixels, **EXACT), 1, 1).tolist() == [[255]]  # cut first, it would be 128


def means_pixel_by_pixel(frame: np.ndarray, count: int, covered: float) -> np.ndarray:
    """The means of `count` equal parts of the first `covered` rows, by the definition."""
    edges = np.arange(count + 1) * covered / count
    rows = []
    for top, bottom in pairwise(edges):
        shares = [max(0.0, min(bottom, row + 1) - max(top, row)) for row in range(len(frame))]
        rows.append(np.average(frame.astype(np.float64), axis=0, weights=shares))
    return np.array(rows)


@pytest.mark.parametrize("shape", [(7, 5), (64, 64), (101, 67), (331, 41)])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (7, 2), (5, 3)])
@pytest.mark.parametrize("cut", [0.0, 0.5])
def test_each_pixel_is_the_mean_of_the_area_that_it_covers(shape: tuple[int, int], size: tuple[int, int], cut: float) -> None:
    frame = np.random.default_rng(3).integers(0, 4096, shape).astype(np.uint16)
    covered = shape[0] - cut, shape[1] - cut
    expected = means_pixel_by_pixel(means_pixel_by_pixel(frame, size[0], covered[0]).T, size[1], covered[1]).T
    assert np.allclose(area_means(frame, size, covered), expected, rtol=1e-5)


@pytest.mark.parametrize("level", [1, 7, 1000, 4095, 30001, 65535])
@pytest.mark.parametrize(("shape", "size"), [((3056, 2544), (512, 426)), ((2022, 2021), (512, 512)), ((1000, 777), (512, 398))])
def test_what_is_flat_stays_flat(level: int, shape: tuple[int, int], size: tuple[int, int]) -> None:
    frame = np.full(shape, level, np.uint16)
    frame[:, shape[1] // 2 :] = 0
    means = area_means(frame, size, shape)
    assert set(np.unique(np.delete(means, [size[1] // 2 - 1, size[1] // 2], axis=1))) == {0, level}


def test_a_constant_frame_looks_like_its_lowest_value() -> None:
    assert not render_frame(dataset(np.full((2022, 2021), 30001, np.uint16)), 1, 512).any()


@pytest.mark.parametrize("fault", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_spoils_the_pixels_over_it_alone(fault: float) -> None:
    frame = np.random.default_rng(3).normal(100, 10, (60, 36)).astype(np.float32)
    whole = area_means(frame, (10, 6), (60, 36))
    frame[13, 29] = fault
    means = area_means(frame, (10, 6), (60, 36))
    assert np.argwhere(~np.isfinite(means)).tolist() == [[2, 4]]
    assert np.allclose(np.delete(means.ravel(), 2 * 6 + 4), np.delete(whole.ravel(), 2 * 6 + 4), rtol=1e-5)


def test_a_frame_divided_exactly_gives_exact_means() -> None:
    frame = np.random.default_rng(4).integers(0, 4096, (96, 48)).astype(np.uint16)
    expected = frame.reshape(16, 6, 8, 6).mean((1, 3))
    assert np.allclose(resampled(frame, (16, 8)), expected, rtol=1e-5)


def test_the_mean_of_a_picture_survives_an_uneven_reduction() -> None:
    frame = np.random.default_rng(5).integers(0, 4096, (331, 257)).astype(np.uint16)
    assert resampled(frame, (100, 78)).mean() == pytest.approx(frame.mean(), rel=1e-5)


def test_resampling_repeats_itself() -> None:
    frame = np.random.default_rng(6).integers(0, 4096, (331, 257)).astype(np.int16)
    assert np.array_equal(resampled(frame, (100, 78)), resampled(frame.copy(), (100, 78)))


def test_a_sample_holds_stored_values_only() -> None:
    frame = np.arange(2000 * 1500, dtype=np.uint32).reshape(2000, 1500)
    sample = sampled(frame)
    assert sample.shape == (500, 500)
    assert sample[1, 1] == 4 * 1500 + 3


@pytest.mark.parametrize(
    ("attributes", "aspect"),
    [
        ({}, 1.0),
        ({"PixelSpacing": [2.0, 1.0]}, 2.0),
        ({"ImagerPixelSpacing": [0.1, 0.2]}, 0.5),
        ({"PixelAspectRatio": [3, 2]}, 1.5),
        ({"PixelSpacing": [1.0, 1.0], "PixelAspectRatio": [3, 2]}, 1.0),
        ({"PixelSpacing": [0.1431, 0.1432]}, 1.0),
        ({"PixelSpacing": [100.0, 1.0]}, 1.0),
        ({"PixelSpacing": [0.0, 1.0]}, 1.0),
    ],
    ids=str,
)
def test_the_aspect_of_a_pixel_is_its_height_over_its_width(attributes: dict[str, Any], aspect: float) -> None:
    assert pixel_aspect(dataset(**attributes)) == pytest.approx(aspect)


def test_tall_pixels_are_stretched_down() -> None:
    pixels = np.array([[0, 100], [0, 100]], np.uint16)
    picture = render_frame(dataset(pixels, PixelSpacing=[2.0, 1.0], **EXACT), 1)
    assert picture.tolist() == [[0, 255]] * 4


def test_wide_pixels_are_stretched_across_in_color_too() -> None:
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0] = 200
    assert render_frame(dataset(pixels, PixelAspectRatio=[1, 2]), 1).tolist() == [[[200] * 3] * 4, [[0] * 3] * 4]


def test_an_enhanced_frame_is_stretched_by_its_own_spacing() -> None:
    groups = [sequence_item(PixelMeasuresSequence=[sequence_item(PixelSpacing=spacing)]) for spacing in ([1, 1], [1, 2])]
    ds = dataset(np.zeros((2, 4, 4), np.uint8), PerFrameFunctionalGroupsSequence=groups)
    assert [render_frame(ds, frame).shape for frame in (1, 2)] == [(4, 4), (4, 8)]


def test_colors_are_averaged_channel_by_channel() -> None:
    pixels = np.array([[[0, 10, 200], [100, 30, 100]]] * 2, np.uint8)
    assert render_frame(dataset(pixels), 1, 1).tolist() == [[[50, 20, 150]]]
