"""A frame's stored values in Explicit VR Little Endian, as the object's own header describes them (PS3.5 8.1.1, A.2)."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

from medsearch_core.dicom.decoding import find_pixels, stored_frame, stored_numbers
from medsearch_core.dicom.frames.layout import Layout
from medsearch_core.dicom.frames.sample_bits import located
from medsearch_core.dicom.frames.stored import UNCOMPRESSED, StoredFrame, bits_of
from medsearch_core.errors import InvalidQuery


def native_bytes(ds: Dataset, frame: int) -> bytes:
    """The values of a gray frame (1-based), BitsAllocated bits each, little endian.

    What was not compressed is returned bit for bit, whatever its unused bits hold, and so is what a lossless codec kept all of.
    Other samples are put where HighBit and BitsStored say; those that lossy compression has moved out of their range are set to
    its end.

    Args:
        ds: read with its pixels.

    Raises:
        BadInput, IndexError, ConfigurationError: as `stored_frame`.
        InvalidQuery: the frame has colors, single bits, or samples that do not fit in BitsAllocated.
    """
    layout = find_pixels(ds).layout
    if layout.samples != 1 or layout.bits_allocated % 8:
        raise InvalidQuery("only gray frames of whole bytes have such values")
    kept = stored_numbers(ds, frame)
    held = kept.place.held if kept.place is not None else layout.bits_allocated
    if kept.samples.ndim != 2 or held > layout.bits_allocated:
        raise InvalidQuery("the samples do not fit in the bits that the header says")
    place = 0 if layout.high_bit is None else layout.high_bit + 1 - layout.bits_stored
    place = place if 0 < place <= layout.bits_allocated - layout.bits_stored else 0  # as `sample_bits`
    if kept.codec == UNCOMPRESSED or (held == layout.bits_allocated and not kept.is_lossy and _is_at(kept, layout, place)):
        return _little(kept.samples, layout.bits_allocated)
    samples = stored_frame(ds, frame).samples
    half = 1 << layout.bits_stored - 1
    least, most = (-half, half - 1) if layout.is_signed else (0, 2 * half - 1)
    return _little(samples.clip(least, most).astype(f"u{layout.bits_allocated // 8}") << place, layout.bits_allocated)


def _is_at(kept: StoredFrame, layout: Layout, place: int) -> bool:
    """Whether samples are where the header says, which `located` finds otherwise where a HighBit is wrong."""
    return located(kept.samples, bits_of(layout, layout.bits_allocated)).lowest == place


def _little(numbers: np.ndarray, bits: int) -> bytes:
    kind = numbers.dtype.kind if numbers.dtype.kind == "f" else "u"
    data: bytes = numbers.astype(f"<{kind}{bits // 8}").tobytes()
    return data
