"""The colors of a codestream by its own evidence, whatever PhotometricInterpretation says."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLosslessSV1, JPEGLSLossless

from medsearch_core.dicom.codestreams.detection import read_header
from medsearch_core.dicom.codestreams.header import Format, Header
from medsearch_core.dicom.frames.color_space import decoded_colors
from medsearch_core.dicom.pixels import render_frame
from tests.core.dicom.encoders import LOSSLESS, jpeg, stored

COLORS = np.zeros((32, 48, 3), np.uint8)
COLORS[:16], COLORS[16:, :24], COLORS[16:, 24:] = (200, 30, 60), (20, 180, 90), (240, 240, 30)
MIDDLES = np.ix_([4, 24], [8, 40])
STATED = ["RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"]


def middles(picture: np.ndarray) -> np.ndarray:
    """The colors away from edges, where subsampling blurs them."""
    return picture[MIDDLES].astype(int)


def colors_of(data: bytes) -> str:
    header = read_header(data)
    assert header is not None
    return header.colors


@pytest.mark.parametrize("stated", STATED)
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2"])
def test_subsampled_components_are_chrominance(stated: str, subsampling: str) -> None:
    data = jpeg(COLORS, subsampling=subsampling, has_app=False)
    assert b"JFIF" not in data
    found = render_frame(stored(COLORS, JPEGBaseline8Bit, [data], PhotometricInterpretation=stated), 1)
    assert np.abs(middles(found) - middles(COLORS)).max() <= 8


@pytest.mark.parametrize("stated", STATED)
@pytest.mark.parametrize("encode", ["reversible", "irreversible", "high throughput"])
def test_a_component_transformation_was_undone_whatever_the_header_says(stated: str, encode: str) -> None:
    data = {
        "reversible": lambda: imagecodecs.jpeg2k_encode(COLORS, codecformat="j2k", reversible=True, mct=True),
        "irreversible": lambda: imagecodecs.jpeg2k_encode(COLORS, codecformat="j2k", reversible=False, level=50, mct=True),
        "high throughput": lambda: imagecodecs.htj2k_encode(COLORS),
    }[encode]()
    found = render_frame(stored(COLORS, JPEG2000Lossless, [bytes(data)], PhotometricInterpretation=stated), 1)
    assert np.abs(middles(found) - middles(COLORS)).max() <= 8


@pytest.mark.parametrize("stated", STATED)
def test_without_evidence_the_header_decides(stated: str) -> None:
    data = jpeg(COLORS, subsampling="4:4:4", has_app=False)
    assert colors_of(data) == ""
    found = render_frame(stored(COLORS, JPEGBaseline8Bit, [data], PhotometricInterpretation=stated), 1)
    is_right = np.abs(middles(found) - middles(COLORS)).max() <= 8
    assert is_right == (stated != "RGB"), "what Pillow wrote is YCbCr"


def test_adobes_marker_says_what_was_transformed() -> None:
    data = jpeg(COLORS, keep_rgb=True)
    assert (b"Adobe" in data, colors_of(data)) == (True, "RGB")
    for stated in STATED:
        found = render_frame(stored(COLORS, JPEGBaseline8Bit, [data], PhotometricInterpretation=stated), 1)
        assert np.abs(middles(found) - middles(COLORS)).max() <= 8
    at = data.index(b"Adobe") + 11
    assert colors_of(data[:at] + b"\1" + data[at + 1 :]) == "YBR_FULL"


def test_components_named_rgb_are() -> None:
    data = bytes(imagecodecs.jpeg8_encode(COLORS, lossless=True))
    for stated in STATED:
        found = render_frame(stored(COLORS, JPEGLosslessSV1, [data], PhotometricInterpretation=stated), 1)
        assert np.array_equal(found, COLORS)


@pytest.mark.parametrize("stated", ["MONOCHROME2", "MONOCHROME1"])
def test_grays_that_were_saved_in_color_are_shown_in_gray(stated: str) -> None:
    gray = np.arange(64, dtype=np.uint8).repeat(4).reshape(16, 16)
    header: dict[str, Any] = {"PhotometricInterpretation": stated, "WindowCenter": 128, "WindowWidth": 256}
    for data, tolerance in ((jpeg(gray, "RGB"), 4), (LOSSLESS[JPEGLSLossless](np.stack([gray] * 3, -1)), 0)):
        found = render_frame(stored(gray, JPEGBaseline8Bit, [data], SamplesPerPixel=3, **header), 1)
        expected = gray if stated == "MONOCHROME2" else 255 - gray
        assert np.abs(found.astype(int) - expected).max() <= tolerance + 1


@pytest.mark.parametrize("stated", ["RGB", "YBR_FULL_422"])
def test_a_codestream_in_gray_is_gray_whatever_the_header_says(stated: str) -> None:
    gray = np.arange(64, dtype=np.uint8).repeat(4).reshape(16, 16)
    data = LOSSLESS[JPEGLSLossless](gray)
    found = render_frame(stored(gray, JPEGLSLossless, [data], PhotometricInterpretation=stated, SamplesPerPixel=3), 1)
    assert found.shape == gray.shape


def test_a_palette_of_one_component_stays_a_palette() -> None:
    header = Header(format=Format.JPEG_LS, rows=1, columns=1, components=1, precision=8)
    assert decoded_colors(header, 1, "PALETTE COLOR") == "PALETTE COLOR"
    assert decoded_colors(header, 3, "PALETTE COLOR") == "RGB"
