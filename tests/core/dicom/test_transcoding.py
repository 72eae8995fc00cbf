"""Stored values as they are sent: bits are where the object's header says; what was not compressed is sent as it was."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom.uid import JPEG2000, ExplicitVRBigEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.transcoding import native_bytes
from medsearch_core.errors import InvalidQuery
from tests.core.dicom.encoders import LOSSLESS, RAMP
from tests.support.factories import dataset, dicom_bytes

LEFT: dict[str, Any] = {"BitsStored": 12, "HighBit": 15}
RIGHT: dict[str, Any] = {"BitsStored": 12, "HighBit": 11}


def sent(pixels: np.ndarray, frame: int = 1, **attributes: Any) -> np.ndarray:
    ds = read_dataset(dicom_bytes(dataset(pixels, **attributes)))
    return np.frombuffer(native_bytes(ds, frame), f"<u{ds.BitsAllocated // 8}").reshape(ds.Rows, ds.Columns)


def samples(words: np.ndarray, ds: dict[str, Any]) -> np.ndarray:
    """What a client that follows the header reads."""
    return (words >> (ds["HighBit"] + 1 - ds["BitsStored"])) & ((1 << ds["BitsStored"]) - 1)


DIRTY = RAMP | np.uint16(0xA000)


@pytest.mark.parametrize("header", [RIGHT, LEFT])
def test_what_was_not_compressed_is_sent_bit_for_bit(header: dict[str, Any]) -> None:
    assert np.array_equal(sent(DIRTY, **header), DIRTY)
    assert np.array_equal(sent(np.stack([RAMP, DIRTY]), 2, **header), DIRTY)
    assert np.array_equal(sent(DIRTY, transfer_syntax=ExplicitVRBigEndian, **header), DIRTY)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
@pytest.mark.parametrize("header", [RIGHT, LEFT])
def test_a_lossless_codec_that_kept_every_bit_changes_nothing(syntax: str, header: dict[str, Any]) -> None:
    shifted = DIRTY if header is RIGHT else (RAMP << 4) | np.uint16(5)
    code = LOSSLESS[syntax](shifted)
    assert np.array_equal(sent(shifted, transfer_syntax=syntax, codestreams=[code], **header), shifted)


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless])
@pytest.mark.parametrize("header", [RIGHT, LEFT])
def test_samples_of_a_narrower_codestream_are_put_where_the_header_says(syntax: str, header: dict[str, Any]) -> None:
    narrow = RAMP.astype(np.uint16)
    if syntax == JPEGLSLossless:
        code = imagecodecs.jpegls_encode(narrow)
    else:
        code = imagecodecs.jpeg2k_encode(narrow, level=0, reversible=True, bitspersample=12, codecformat="j2k")
    words = sent(narrow, transfer_syntax=syntax, codestreams=[code], **header)
    assert np.array_equal(samples(words, header), narrow)


def test_negative_samples_are_twos_complements_of_their_own_width() -> None:
    signed = RAMP.astype(np.int16) - 2048
    code = imagecodecs.jpeg2k_encode(signed, level=0, reversible=True, bitspersample=12, codecformat="j2k")
    words = sent(signed, transfer_syntax=JPEG2000Lossless, codestreams=[code], **LEFT)
    assert np.array_equal(words.view(np.int16) >> 4, signed)


def test_what_lossy_compression_has_moved_out_of_range_is_at_its_end() -> None:
    steps = np.where(np.arange(4096).reshape(64, 64) % 7 < 3, 0, 4095).astype(np.uint16)
    code = imagecodecs.jpeg2k_encode(steps, level=60, reversible=False, codecformat="j2k")
    words = sent(steps, transfer_syntax=JPEG2000, codestreams=[code], **RIGHT)
    assert words.max() <= 4095
    assert np.corrcoef(words.ravel(), steps.ravel())[0, 1] > 0.9


def test_floating_point_values_are_sent_as_they_are() -> None:
    pixels = np.array([[0.5, -1e9, np.inf]], np.float32)
    ds = read_dataset(dicom_bytes(dataset(pixels)))
    assert native_bytes(ds, 1) == pixels.astype("<f4").tobytes()


@pytest.mark.parametrize("pixels", [np.zeros((4, 4, 3), np.uint8), np.zeros((8, 8), bool)], ids=["color", "single bits"])
def test_color_and_single_bits_are_not_sent(pixels: np.ndarray) -> None:
    with pytest.raises(InvalidQuery):
        native_bytes(read_dataset(dicom_bytes(dataset(pixels))), 1)


def test_nor_are_samples_that_do_not_fit_in_their_header() -> None:
    code = LOSSLESS[JPEGLSLossless](RAMP)
    eight = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
    ds = read_dataset(dicom_bytes(dataset(RAMP, transfer_syntax=JPEGLSLossless, codestreams=[code], **eight)))
    with pytest.raises(InvalidQuery):
        native_bytes(ds, 1)
