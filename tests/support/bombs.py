"""Small objects that need much memory when they are decoded."""

from __future__ import annotations

import struct

import numpy as np
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless

from medsearch_core.keys import StudyKey
from tests.support.factories import dataset, dicom_bytes


def bomb(study: StudyKey) -> bytes:
    """A frame of 400 megapixels, all black, that takes six megabytes: each row in runs of 128 (PS3.5 G.3)."""
    row = b"\x81\0" * 156 + b"\xe1\0"
    frame = struct.pack("<16L", 1, 64, *[0] * 14) + row * 20_000
    small = dataset(np.zeros((2, 2), np.uint8), PatientID=study.patient[1:], StudyID=study.study[1:], SOPInstanceUID="2.25.99")
    small.compress(RLELossless)
    small.Rows = small.Columns = 20_000
    small.PixelData = encapsulate([frame])
    return dicom_bytes(small)
