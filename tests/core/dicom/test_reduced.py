"""JPEG 2000 at a reduced resolution: the same image as at full resolution, for a fraction of the work."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000, JPEG2000Lossless

from medsearch_core.dicom.codestreams.codecs import end_of_image, reduction
from medsearch_core.dicom.codestreams.detection import read_header
from medsearch_core.dicom.codestreams.header import Header
from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.decoding import stored_frame
from medsearch_core.dicom.frames.layout import pixel_layout
from medsearch_core.dicom.frames.pixel_data import pixel_data
from medsearch_core.dicom.pixels import render_frame
from medsearch_core.dicom.resampling import centered, resampled
from medsearch_core.dicom.thumbnails import thumbnail
from tests.core.dicom.codestreams import JPEG_2000
from tests.core.dicom.encoders import stored
from tests.support.factories import dataset, dicom_bytes


def body(rows: int, columns: int, dtype: type = np.uint16, low: int = 0, high: int = 4095) -> np.ndarray:
    """A smooth image with an edge and grain, like a radiograph."""
    y, x = np.mgrid[:rows, :columns]
    shape = np.sin(x / 19) * np.cos(y / 23) * 0.4 + 0.5 + 0.1 * (x > columns / 2)
    grain = np.random.default_rng(1).normal(0, 0.003, shape.shape)
    return (low + (shape + grain).clip(0, 1) * (high - low)).astype(dtype)


def compressed(pixels: np.ndarray, syntax: str = JPEG2000Lossless, **more: Any) -> Dataset:
    ds = dataset(pixels, **more)
    ds.compress(syntax, j2k_psnr=[70] if syntax == JPEG2000 else None)
    return read_dataset(dicom_bytes(ds))


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEG2000], ids=lambda uid: uid.name)
@pytest.mark.parametrize(
    ("dtype", "low", "high", "bits"),
    [(np.uint16, 0, 4095, 12), (np.uint16, 0, 65535, 16), (np.uint8, 0, 255, 8), (np.int16, -1024, 3071, 16)],
    ids=["12 bits", "16 bits", "8 bits", "signed"],
)
@pytest.mark.parametrize("size", [(640, 512), (643, 517)], ids=["even", "odd"])
def test_a_reduced_frame_has_the_values_of_the_full_one(
    syntax: str, dtype: type, low: int, high: int, bits: int, size: tuple[int, int]
) -> None:
    pixels = body(*size, dtype, low, high)
    ds = compressed(pixels, syntax, BitsStored=bits, HighBit=bits - 1)
    full = stored_frame(ds, 1).samples
    small = stored_frame(ds, 1, (256, 200)).samples
    assert small.dtype == full.dtype
    assert small.shape == (-(-size[0] // 2), -(-size[1] // 2))
    half = resampled(centered(small, 1), (128, 100), (size[0] / 2, size[1] / 2))
    off = np.abs(half - resampled(full, (128, 100))) / (high - low)
    assert off.mean() < 0.002
    assert np.percentile(off, 99) < 0.02


def test_the_thumbnail_is_that_of_the_full_frame_but_for_two_levels() -> None:
    pixels = body(1024, 800)
    plain = render_frame(read_dataset(dicom_bytes(dataset(pixels, BitsStored=12, HighBit=11))), 1, 128)
    ds = compressed(pixels, BitsStored=12, HighBit=11)
    reduced = thumbnail(ds, 1, 128)
    assert reduced.shape == plain.shape
    off = np.abs(reduced.astype(int) - plain)
    assert (off.mean() < 1, np.percentile(off, 99) <= 3) == (True, True)
    assert np.array_equal(render_frame(ds, 1, 128), plain), "what viewers are shown is of the full frame"


def codestream(ds: Dataset) -> bytes:
    return pixel_data(ds, pixel_layout(ds)).compressed(1)


def header(data: bytes) -> Header:
    found = read_header(data)
    assert found is not None
    return found


def test_a_frame_is_halved_as_often_as_leaves_enough_and_its_codestream_allows() -> None:
    data = codestream(compressed(body(643, 517)))
    assert header(data).halvings == 5
    found = [reduction(data, header(data), (enough, enough)) for enough in (517, 259, 258, 129, 60, 1)]
    assert found == [0, 0, 1, 1, 1, 1]
    whole = codestream(compressed(body(640, 512)))
    assert reduction(whole, header(whole), (1, 1)) == 5
    assert header(JPEG_2000).halvings == 0


@pytest.mark.parametrize("change", ["cut", "moved", "boxed"])
def test_what_may_be_damaged_or_is_unusual_is_decoded_in_full(change: str) -> None:
    data = codestream(compressed(body(640, 512)))
    changed = {
        "cut": data[:-40],
        "moved": data[:19] + b"\x01" + data[20:],
        "boxed": b"\0\0\0\x0cjP  \r\n\x87\n" + (len(data) + 8).to_bytes(4, "big") + b"jp2c" + data,
    }[change]
    assert reduction(data, header(data), (100, 100)) == 2
    assert reduction(changed, header(changed), (100, 100)) == 0


@pytest.mark.parametrize("padding", [b"", b"\0", b"\0\0", b"\xff", b" ", b"\r\n" * 50])
def test_padding_after_the_end_of_an_image_is_no_fault(padding: bytes) -> None:
    assert end_of_image(JPEG_2000 + padding, header(JPEG_2000)) == len(JPEG_2000)
    assert not end_of_image(JPEG_2000[:-2] + padding, header(JPEG_2000))


def in_16_bits(pixels: np.ndarray, **header: Any) -> Dataset:
    """Samples of 12 bits in a codestream of 16, as encoders write that compress what is allocated."""
    codestream = bytes(imagecodecs.jpeg2k_encode(pixels.view(np.uint16), codecformat="j2k", reversible=True))
    return stored(pixels, JPEG2000Lossless, [codestream], **{"BitsStored": 12, "HighBit": 11} | header)


OVERLAY = (np.mgrid[:640, :512][1] // 3 % 2).astype(np.uint16) << 12


@pytest.mark.parametrize(
    ("ds", "is_halved"),
    [
        (in_16_bits(body(640, 512)), True),
        (in_16_bits(body(640, 512) | OVERLAY), False),
        (in_16_bits(body(640, 512, np.int16, -2048, 2047)), False),
        (in_16_bits(body(640, 512) << 4, HighBit=15), False),
        (in_16_bits(body(640, 512), PhotometricInterpretation="PALETTE COLOR"), False),
    ],
    ids=["clean", "an overlay", "signed in unsigned", "left-justified", "a palette"],
)
def test_only_samples_are_averaged(ds: Dataset, is_halved: bool) -> None:
    assert (stored_frame(ds, 1, (100, 100)).halvings > 0) == is_halved


def test_the_thumbnail_of_pixels_with_an_overlay_is_that_of_the_pixels() -> None:
    window: dict[str, Any] = {"WindowCenter": 2048, "WindowWidth": 4096}
    plain, covered = (thumbnail(in_16_bits(body(640, 512) | bits, **window), 1, 100) for bits in (0 * OVERLAY, OVERLAY))
    assert np.abs(plain.astype(int) - covered).mean() < 1
