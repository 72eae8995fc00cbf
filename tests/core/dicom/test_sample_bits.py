"""Where a sample's bits are (PS3.5 8.1.1 and Annex D), after every codec and without one."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom.uid import JPEG2000, ExplicitVRBigEndian, ExplicitVRLittleEndian, JPEGBaseline8Bit, JPEGExtended12Bit

from medsearch_core.dicom.decoding import decode_frame, stored_frame
from medsearch_core.dicom.frames.sample_bits import SampleBits, extracted, sample_bits
from medsearch_core.dicom.pixels import render_frame
from tests.core.dicom.codestreams import JPEG_12_BIT, PICTURE
from tests.core.dicom.encoders import LOSSLESS, RAMP, jpeg, stored
from tests.support.factories import dataset

SIGNED = RAMP.astype(np.int16) - 2048
OVERLAY = (np.arange(RAMP.size).reshape(RAMP.shape) % 3 == 0).astype(np.uint16)
CELLS: dict[str, tuple[np.ndarray, int, np.ndarray, dict[str, Any]]] = {
    "clean": (RAMP, 11, RAMP, {}),
    "an overlay above": (RAMP | OVERLAY << 12, 11, RAMP, {}),
    "all bits above": (RAMP | 0xF000, 11, RAMP, {}),
    "left-justified": (RAMP << 4, 15, RAMP, {}),
    "left-justified, an overlay below": (RAMP << 4 | OVERLAY, 15, RAMP, {}),
    "in the middle": (RAMP << 2 | OVERLAY << 15 | OVERLAY, 13, RAMP, {}),
    "signed": (SIGNED.view(np.uint16), 11, SIGNED, {"PixelRepresentation": 1}),
    "signed, not extended": (SIGNED.view(np.uint16) & 0xFFF, 11, SIGNED, {"PixelRepresentation": 1}),
    "signed, left-justified": (SIGNED.view(np.uint16) << 4, 15, SIGNED, {"PixelRepresentation": 1}),
    "HighBit is wrong": (RAMP, 15, RAMP, {}),
    "HighBit is impossible": (RAMP, 40, RAMP, {}),
}
"""Name → what 16 bits hold, HighBit, the samples, and what else the header says. BitsStored is 12."""


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian, *LOSSLESS], ids=lambda uid: uid.name)
def test_the_bits_around_a_sample_are_not_looked_at_in_any_encoding(syntax: str, name: str) -> None:
    cells, high_bit, samples, more = CELLS[name]
    header = {"BitsStored": 12, "HighBit": high_bit, **more}
    if syntax in LOSSLESS:
        ds = stored(cells, syntax, [LOSSLESS[syntax](cells)], **header)
    else:
        ds = dataset(cells, transfer_syntax=syntax, **header)
    assert decode_frame(ds, 1).tolist() == samples.tolist()


@pytest.mark.parametrize("bits", [12, 16])
def test_a_codestream_of_fewer_bits_than_are_stored_is_as_deep_as_it_says(bits: int) -> None:
    codestream = imagecodecs.jpeg2k_encode(RAMP, codecformat="j2k", reversible=True, bitspersample=12)
    ds = stored(RAMP, "1.2.840.10008.1.2.4.90", [bytes(codestream)], BitsStored=bits, HighBit=bits - 1)
    found = stored_frame(ds, 1)
    assert (found.samples.tolist(), found.bits) == (RAMP.tolist(), 12)


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGExtended12Bit], ids=lambda uid: uid.name)
@pytest.mark.parametrize("stored_bits", [8, 12, 16])
def test_a_jpeg_of_8_bits_is_shown_though_16_are_allocated(syntax: str, stored_bits: int) -> None:
    gray = (RAMP >> 4).astype(np.uint8)
    ds = stored(gray, syntax, [jpeg(gray)], BitsAllocated=16, BitsStored=stored_bits, HighBit=stored_bits - 1)
    found = decode_frame(ds, 1)
    assert found.dtype == np.uint16
    assert np.abs(found.astype(int) - gray).max() <= 4


@pytest.mark.parametrize("allocated", [8, 16])
@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGExtended12Bit], ids=lambda uid: uid.name)
def test_a_jpeg_of_12_bits_is_shown_though_8_are_stored(syntax: str, allocated: int) -> None:
    ds = stored(PICTURE, syntax, [JPEG_12_BIT], BitsAllocated=allocated, BitsStored=8, HighBit=7)
    assert np.abs(decode_frame(ds, 1).astype(int) - PICTURE).max() <= 3


def test_a_lossy_codestream_may_go_a_little_beyond_the_stored_bits() -> None:
    white = np.full((64, 64), 4095, np.uint16)
    white[20:40, 20:40] = 0
    codestream = bytes(imagecodecs.jpeg2k_encode(white, codecformat="j2k", level=30, reversible=False, bitspersample=16))
    found = stored_frame(stored(white, JPEG2000, [codestream], BitsStored=12, HighBit=11), 1).samples
    assert found[:10].min() > 3500
    assert found.max() > 4095


def test_a_left_justified_image_looks_like_a_right_justified_one() -> None:
    window: dict[str, Any] = {"WindowCenter": 2048, "WindowWidth": 4096}
    expected = render_frame(dataset(RAMP, BitsStored=12, HighBit=11, **window), 1)
    assert np.array_equal(render_frame(dataset(RAMP << 4, BitsStored=12, HighBit=15, **window), 1), expected)


@pytest.mark.parametrize(
    ("held", "allocated", "stored_bits", "high_bit", "expected"),
    [
        (16, 16, 12, 11, (12, 0)),
        (16, 16, 12, 15, (12, 4)),
        (12, 16, 12, 15, (12, 0)),
        (12, 16, 16, 15, (12, 0)),
        (8, 16, 8, 7, (8, 0)),
        (12, 8, 8, 7, (12, 0)),
        (16, 16, 12, 3, (12, 0)),
        (16, 16, 12, None, (12, 0)),
    ],
)
def test_the_header_is_followed_as_far_as_what_was_stored_allows(
    held: int, allocated: int, stored_bits: int, high_bit: int | None, expected: tuple[int, int]
) -> None:
    found = sample_bits(held=held, allocated=allocated, stored=stored_bits, high_bit=high_bit, is_signed=False)
    assert (found.width, found.lowest) == expected


def test_what_are_samples_already_is_neither_copied_nor_changed() -> None:
    bits = SampleBits(held=16, width=12, lowest=0, is_signed=False)
    assert np.shares_memory(extracted(RAMP, bits), RAMP)
    floats = np.ones((2, 2), np.float32)
    assert extracted(floats, bits) is floats
