"""Recognizing a codestream by its signature, whatever the transfer syntax says."""

from __future__ import annotations

from medsearch_core.dicom.codestreams import jpeg, jpeg_2000, jpeg_xl
from medsearch_core.dicom.codestreams.header import Header
from medsearch_core.dicom.quiet import FAULTS

JPEG_2000 = (jpeg_2000.START, jpeg_2000.FILE_START)
JPEG_XL = (jpeg_xl.START, jpeg_xl.FILE_START)
SIGNATURES = (jpeg.START, *JPEG_2000, *JPEG_XL)


def is_start(data: bytes, at: int = 0) -> bool:
    """Whether a codestream begins at an offset."""
    return data.startswith(SIGNATURES, at)


def read_header(data: bytes) -> Header | None:
    """The header of a codestream; None if it is no codestream, or its header is damaged."""
    try:
        if data.startswith(jpeg.START):
            return jpeg.read_header(data)
        if data.startswith(JPEG_2000):
            return jpeg_2000.read_header(data)
        return jpeg_xl.read_header(data) if data.startswith(JPEG_XL) else None
    except FAULTS:
        return None
