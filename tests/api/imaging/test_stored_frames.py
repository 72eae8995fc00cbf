"""Stored frames agree with the header that is sent beside them, as a client that follows it reads them."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

from medsearch_api.dicomweb.json_text import HeaderTask
from medsearch_api.imaging.stored_frames import StoredFramesTask, split_frames
from tests.core.dicom.encoders import LOSSLESS, RAMP
from tests.support.factories import dataset, dicom_bytes


def read_by_its_header(ds: Dataset) -> np.ndarray:
    data = dicom_bytes(ds)
    header = json.loads(HeaderTask().answer(io.BytesIO(data)))
    allocated, stored, high, rows, columns = (
        header[tag]["Value"][0] for tag in ("00280100", "00280101", "00280102", "00280010", "00280011")
    )
    (frame,) = split_frames(StoredFramesTask((1,), 10**6).answer(io.BytesIO(data)))
    words = np.frombuffer(frame, f"<u{allocated // 8}").reshape(rows, columns)
    return words >> (high + 1 - stored) & ((1 << stored) - 1)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEGLSLossless])
@pytest.mark.parametrize("high_bit", [11, 13, 15])
def test_samples_are_at_the_high_bit_of_the_header(syntax: str, high_bit: int) -> None:
    pixels = RAMP << np.uint16(high_bit - 11)
    codestreams = [LOSSLESS[syntax](pixels)] if syntax in LOSSLESS else None
    ds = dataset(pixels, transfer_syntax=syntax, codestreams=codestreams, BitsStored=12, HighBit=high_bit)
    assert np.array_equal(read_by_its_header(ds), RAMP)


def test_so_are_those_of_a_codestream_that_holds_samples_alone() -> None:
    ds = dataset(RAMP, transfer_syntax=JPEGLSLossless, codestreams=[LOSSLESS[JPEGLSLossless](RAMP)], BitsStored=12, HighBit=15)
    assert np.array_equal(read_by_its_header(ds), RAMP)
