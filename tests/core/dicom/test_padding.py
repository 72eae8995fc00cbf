"""Padding (PS3.3 C.7.5.1.1.2): with the other sign, after lossy compression, and none of the image."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000

from medsearch_core.dicom.decoding import stored_frame
from medsearch_core.dicom.padding import real_values
from medsearch_core.dicom.pixels import render_frame
from tests.core.dicom.encoders import stored
from tests.support.factories import dataset


def scan(dtype: type = np.int16, padding: int = -2000, low: int = 0) -> np.ndarray:
    """A disk of tissue, as a CT scanner makes it: what is outside of the disk is padding."""
    y, x = np.mgrid[-64:64, -64:64]
    inside = low + 900 + 500 * np.sin(x / 9) * np.cos(y / 11)
    return np.where(x**2 + y**2 < 60**2, inside, padding).astype(dtype)


def with_padding(ds: Dataset, vr: str, value: int, **more: Any) -> Dataset:
    ds.add_new("PixelPaddingValue", vr, value)
    for keyword, other in more.items():
        setattr(ds, keyword, other)
    return ds


def of_tissue(ds: Dataset) -> np.ndarray:
    y, x = np.mgrid[-64:64, -64:64]
    return render_frame(ds, 1)[x**2 + y**2 < 50**2]


EXPECTED = of_tissue(with_padding(dataset(scan()), "SS", -2000))


def test_tissue_has_all_the_grays() -> None:
    assert (EXPECTED.min() < 10, EXPECTED.max() > 245) == (True, True)


@pytest.mark.parametrize(
    ("pixels", "vr", "value", "more"),
    [
        (scan(), "US", 63536, {}),
        (scan(np.uint16, 63536), "SS", -2000, {}),
        (scan(padding=-2000), "US", 2096, {"BitsStored": 12, "HighBit": 11}),
        (scan(np.uint16, 2096), "SS", -2000, {"BitsStored": 12, "HighBit": 11}),
        (scan(np.int32), "UL", 2**32 - 2000, {}),
    ],
    ids=["signed pixels", "unsigned pixels", "signed in 12 bits", "unsigned in 12 bits", "32 bits"],
)
def test_padding_is_compared_modulo_the_range_of_a_sample(
    pixels: np.ndarray, vr: str, value: int, more: dict[str, Any]
) -> None:
    found = of_tissue(with_padding(dataset(pixels), vr, value, **more))
    assert np.abs(found.astype(int) - EXPECTED).max() <= 1


def test_a_range_of_padding_may_have_the_other_sign() -> None:
    pixels = scan()
    pixels[::2][pixels[::2] == -2000] = -1900
    ds = with_padding(dataset(pixels), "US", 63536)
    ds.add_new("PixelPaddingRangeLimit", "US", 63636)
    assert np.abs(of_tissue(ds).astype(int) - EXPECTED).max() <= 1


@pytest.mark.parametrize("level", [60, 70, 80])
def test_padding_that_lossy_compression_has_blurred_does_not_count(level: int) -> None:
    shifted = (scan().astype(int) + 2**15).astype(np.uint16)
    codestream = bytes(imagecodecs.jpeg2k_encode(shifted, codecformat="j2k", reversible=False, level=level))
    ds = with_padding(stored(shifted, JPEG2000, [codestream]), "US", 2**15 - 2000)
    found = of_tissue(ds)
    assert np.abs(found.astype(int) - EXPECTED).mean() < 12


def test_what_was_compressed_once_has_blurred_padding_ever_since() -> None:
    shifted = (scan().astype(int) + 2**15 + np.random.default_rng(1).integers(-90, 90, (128, 128))).astype(np.uint16)
    ds = with_padding(dataset(shifted), "US", 2**15 - 2000)
    washed_out = of_tissue(ds)
    ds.LossyImageCompression = "01"
    assert (washed_out.min() > 100, of_tissue(ds).min() < 30) == (True, True)


def test_what_only_looks_like_padding_counts_without_lossy_compression() -> None:
    pixels = np.array([[-2000, -1999, 0, 100]], np.int16)
    ds = with_padding(dataset(pixels), "SS", -2000)
    assert sorted(real_values(ds, stored_frame(ds, 1), pixels)) == [-1999, 0, 100]
