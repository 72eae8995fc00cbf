"""Truncated files and files with flipped bytes: the result is always an image or a `BadInput`."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLSLossless,
    RLELossless,
)

from medsearch_core.columns import table_of
from medsearch_core.dicom.dataset import identity, read_dataset
from medsearch_core.dicom.image_record import image_records
from medsearch_core.dicom.pixels import check_pixels, frame_count, render_frame
from medsearch_core.errors import BadInput
from medsearch_core.records import REASONS, ImageRecord
from tests.core.dicom.codestreams import JPEG_2000, JPEG_LOSSLESS, JPEG_LS, PICTURE
from tests.core.dicom.encoders import jpeg
from tests.support.examples import examples
from tests.support.factories import dataset, dicom_bytes, sequence_item


def rich(pixels: np.ndarray = PICTURE, syntax: str = str(ExplicitVRLittleEndian), **more: Any) -> Dataset:
    """A data set with sequences, lookup tables and functional groups, any of which may be damaged."""
    return dataset(
        pixels,
        transfer_syntax=syntax,
        SpecificCharacterSet="ISO_IR 192",
        PatientAge="045Y",
        StudyDate="20200101",
        PixelSpacing=[0.5, 0.7],
        PixelPaddingValue=0,
        RescaleSlope=2,
        RescaleIntercept=-10,
        WindowCenter=[40, 50],
        WindowWidth=[400, 500],
        VOILUTSequence=[sequence_item(LUTDescriptor=[3, 0, 8], LUTData=b"\0\0\x80\0\xff\0")],
        SharedFunctionalGroupsSequence=[
            sequence_item(PixelMeasuresSequence=[sequence_item(PixelSpacing=[1, 2])]),
        ],
        **more,
    )


def run_length_encoded() -> Dataset:
    ds = rich()
    ds.compress(RLELossless)
    return ds


def segmented() -> Dataset:
    palette: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for channel in ("Red", "Green", "Blue"):
        palette[f"{channel}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        words = np.array([0, 2, 0, 256, 1, 100, 9000, 2, 2, 0, 0, 1, 250, 100], "<u2")
        palette[f"Segmented{channel}PaletteColorLookupTableData"] = words.tobytes()
    return rich(PICTURE.astype(np.uint8), **palette)


BYTES = PICTURE.astype(np.uint8)
COLORS = np.arange(144, dtype=np.uint8).reshape(6, 8, 3)
JPEG_XL = bytes(imagecodecs.jpegxl_encode(PICTURE, lossless=True))
FILES: dict[str, Callable[[], Dataset]] = {
    "explicit": rich,
    "implicit": lambda: rich(syntax=str(ImplicitVRLittleEndian)),
    "big endian": lambda: rich(syntax=str(ExplicitVRBigEndian)),
    "deflated": lambda: rich(syntax=str(DeflatedExplicitVRLittleEndian)),
    "color": lambda: rich(np.zeros((5, 4, 3), np.uint8), PlanarConfiguration=1),
    "frames": lambda: rich(np.zeros((4, 5, 7), np.uint8)),
    "bits": lambda: rich(np.ones((5, 7), bool)),
    "float": lambda: rich(np.ones((5, 7), np.float32)),
    "rle": run_length_encoded,
    "jpeg": lambda: rich(BYTES, str(JPEGBaseline8Bit), codestreams=[jpeg(BYTES)]),
    "progressive jpeg": lambda: rich(BYTES, str(JPEGExtended12Bit), codestreams=[jpeg(BYTES, progressive=True)]),
    "color jpeg": lambda: rich(COLORS, str(JPEGBaseline8Bit), codestreams=[jpeg(COLORS, has_app=False)]),
    "left-justified": lambda: rich(PICTURE << 4, BitsStored=12, HighBit=15),
    "segmented palette": segmented,
    "frames in items": lambda: rich(np.stack([PICTURE] * 3), str(JPEGLSLossless), codestreams=[JPEG_LS] * 3),
    "a native syntax with items": lambda: rich(PICTURE, codestreams=[JPEG_LS]),
    "jpeg xl": lambda: rich(
        PICTURE, str(JPEGLSLossless), codestreams=[bytes(imagecodecs.jpegxl_encode(PICTURE, lossless=True))]
    ),
    "jpeg 2000": lambda: rich(PICTURE, str(JPEG2000Lossless), codestreams=[JPEG_2000], BitsStored=12, HighBit=11),
    "jpeg lossless": lambda: rich(PICTURE, str(JPEGLossless), codestreams=[JPEG_LOSSLESS], BitsStored=12, HighBit=11),
    "jpeg-ls": lambda: rich(PICTURE, str(JPEGLSLossless), codestreams=[JPEG_LS]),
}


def process(data: bytes) -> str:
    """Runs everything the pipeline does with an object; returns the reason of its rejection, or an empty text."""
    try:
        identity(read_dataset(io.BytesIO(data), stop_before_pixels=True))
        ds = read_dataset(data)
        identity(ds)
        check_pixels(ds)
        frames = frame_count(ds)
        render_frame(ds, 1)
        render_frame(ds, frames, 4)
        rows = image_records(ds, patient="p1", study="s1", key="k", sha256="", bytes=1, frames=range(1, min(frames, 9) + 1))
        table_of(ImageRecord, rows)
    except BadInput as raised:
        fault = raised
    else:
        return ""
    assert fault.reason in REASONS
    assert (fault.__context__, fault.__cause__) == (None, None)
    return fault.reason


@pytest.mark.parametrize("name", FILES)
def test_the_whole_file_is_shown(name: str) -> None:
    assert process(dicom_bytes(FILES[name]())) == ""


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_anywhere_is_refused(name: str) -> None:
    data = dicom_bytes(FILES[name]())
    outcomes = {cut: process(data[:cut]) for cut in range(0, len(data) - 1, 3)}
    shown = [cut for cut, reason in outcomes.items() if not reason]
    assert all(cut >= len(data) - 8 for cut in shown), "only padding and the last delimiter may be missing"
    header = {reason for cut, reason in outcomes.items() if 132 <= cut < len(data) // 2}
    assert header <= {"truncated_header", "malformed_header", "missing_identity", "no_pixel_data", "truncated_pixel_data"}


@pytest.mark.parametrize("name", FILES)
@settings(deadline=None, max_examples=examples(60))
@given(flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=12))
def test_a_file_with_bytes_flipped_is_shown_or_refused(name: str, flips: list[tuple[int, int]]) -> None:
    data = bytearray(dicom_bytes(FILES[name]()))
    for at, byte in flips:
        data[at % len(data)] = byte
    process(bytes(data))


@settings(deadline=None, max_examples=examples(200))
@given(st.binary(max_size=300), st.booleans())
def test_random_bytes_are_refused(data: bytes, has_preamble: bool) -> None:
    assert process(b"\0" * 128 + b"DICM" + data if has_preamble else data)
