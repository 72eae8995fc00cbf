"""Frames that are not compressed."""

from __future__ import annotations

import numpy as np
from pydicom.pixels import get_decoder
from pydicom.uid import UID, ExplicitVRLittleEndian

from medsearch_core.dicom.frames.layout import Layout
from medsearch_core.dicom.frames.pixel_data import PixelData
from medsearch_core.dicom.frames.runner import frame_options
from medsearch_core.dicom.frames.stored import UNCOMPRESSED, StoredFrame, bits_of, stored_as


def native_frame(pixels: PixelData, frame: int) -> StoredFrame:
    """A frame (1-based) of pixel data that is not compressed."""
    layout = pixels.layout
    if layout.bits_allocated == 1 and layout.samples == 1:
        return StoredFrame(_single_bits(pixels, frame), layout.photometric, 1, codec=UNCOMPRESSED)
    syntax = layout.transfer_syntax if layout.is_native_syntax else ExplicitVRLittleEndian
    return uncompressed(layout, pixels.data, frame, syntax, pixels.frames, pixels.vr)


def uncompressed(
    layout: Layout, data: bytes, frame: int = 1, syntax: UID = ExplicitVRLittleEndian, frames: int = 1, vr: str = "OW"
) -> StoredFrame:
    """A frame of bytes that are numbers as they are.

    Args:
        syntax: a native transfer syntax, for the byte order.
        vr: the value representation of the pixel data.
    """
    options = frame_options(layout) | {
        "view_only": True,
        "pixel_keyword": layout.keyword,
        "number_of_frames": frames,
        "pixel_vr": vr,
    }
    if layout.samples > 1:
        options["planar_configuration"] = layout.planar_configuration
    numbers, found = get_decoder(syntax).as_array(data, index=frame - 1, raw=True, **options)
    return stored_as(numbers, bits_of(layout, layout.bits_allocated), str(found["photometric_interpretation"]))


def _single_bits(pixels: PixelData, frame: int) -> np.ndarray:
    """A frame of single bits, the lowest of a byte first; frames follow each other without padding (PS3.5 8.1.1)."""
    count, layout = pixels.layout.frame_bits, pixels.layout
    begin = count * (frame - 1)
    stored = np.frombuffer(pixels.data[begin // 8 : -(-(begin + count) // 8)], np.uint8)
    return np.unpackbits(stored, bitorder="little")[begin % 8 :][:count].reshape(layout.rows, layout.columns)
