"""The layout of a frame by the Image Pixel module (PS3.3 C.7.6.3), checked before anything is allocated."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from medsearch_core.dicom.attributes import integer, text, value
from medsearch_core.dicom.codestreams.packing import ITEM, count_codestreams
from medsearch_core.errors import BadInput, TooManyPixels

MAX_PIXELS = 400_000_000
SAMPLES = {
    "MONOCHROME1": 1,
    "MONOCHROME2": 1,
    "PALETTE COLOR": 1,
    "RGB": 3,
    "YBR_FULL": 3,
    "YBR_FULL_422": 3,
    "YBR_ICT": 3,
    "YBR_RCT": 3,
}
"""Photometric interpretation → samples per pixel. The retired ones and the MPEG-only YBR_PARTIAL are not shown."""
NATIVE = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
)
BITS_ALLOCATED = {"PixelData": (1, 8, 16, 32), "FloatPixelData": (32,), "DoubleFloatPixelData": (64,)}


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One frame as the header describes it. `keyword` names the element that holds the pixels."""

    keyword: str
    transfer_syntax: UID
    photometric: str
    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int | None
    is_signed: bool
    planar_configuration: int
    frames: int

    @property
    def is_native_syntax(self) -> bool:
        """Whether the transfer syntax is one of uncompressed frames without items."""
        return self.transfer_syntax in NATIVE

    @property
    def frame_bits(self) -> int:
        """Bits of an uncompressed frame; 1-bit frames are packed without padding between them (PS3.5 8.1.1)."""
        bits = self.rows * self.columns * self.samples * self.bits_allocated
        return bits * 2 // 3 if self.photometric == "YBR_FULL_422" else bits

    @property
    def native_bytes(self) -> int:
        """Bytes of all frames uncompressed."""
        return self.frame_bits * self.frames + 7 >> 3

    def halved(self, times: int) -> tuple[int, int]:
        """Rows and columns after this many halvings of them (ISO 15444-1 B.5)."""
        return -(-self.rows >> times), -(-self.columns >> times)

    def is_frame_size(self, length: int) -> bool:
        """Whether an uncompressed frame has this many bytes, padding to an even number included."""
        return 8 * length - self.frame_bits in range(16)


def frame_count(ds: Dataset) -> int:
    """NumberOfFrames (0028,0008), 1 if it is absent or empty; if it is not a positive integer, as many as there are."""
    if "NumberOfFrames" not in ds or ds.get_item("NumberOfFrames").value in (None, b"", ""):
        return 1
    frames = integer(ds, "NumberOfFrames") or 0
    return frames if frames > 0 else max(1, _frames_of_bytes(ds))


def _frames_of_bytes(ds: Dataset) -> int:
    data = value(ds, "PixelData")
    if not isinstance(data, bytes):
        return 0
    if data.startswith(ITEM):
        return count_codestreams(data)
    sizes = [integer(ds, keyword) or 0 for keyword in ("Rows", "Columns", "BitsAllocated")]
    bits = math.prod(sizes) * (integer(ds, "SamplesPerPixel") or 1)
    return 8 * len(data) // bits if bits > 0 else 0


def pixel_layout(ds: Dataset, max_pixels: int = MAX_PIXELS) -> Layout:
    """The checked layout of an object's frames.

    Raises:
        BadInput: `no_pixel_data`, or `unsupported_pixel_format` naming the attribute at fault.
        TooManyPixels: a frame has more than `max_pixels`.
    """
    keyword = next((name for name in BITS_ALLOCATED if name in ds), None)
    if keyword is None or not ds.get_item(keyword).value:
        raise BadInput("no_pixel_data", "the object has no pixel data")
    photometric = (text(ds, "PhotometricInterpretation") or "").upper()
    layout = Layout(
        keyword=keyword,
        transfer_syntax=UID(text(getattr(ds, "file_meta", Dataset()), "TransferSyntaxUID") or ""),
        photometric=photometric,
        rows=integer(ds, "Rows") or 0,
        columns=integer(ds, "Columns") or 0,
        samples=SAMPLES.get(photometric, 0),
        bits_allocated=integer(ds, "BitsAllocated") or 0,
        bits_stored=integer(ds, "BitsStored") or integer(ds, "BitsAllocated") or 0,
        high_bit=integer(ds, "HighBit"),
        is_signed=integer(ds, "PixelRepresentation") == 1,
        planar_configuration=integer(ds, "PlanarConfiguration") or 0,
        frames=frame_count(ds),
    )
    for is_good, fault in (
        (photometric in SAMPLES, "PhotometricInterpretation is absent or cannot be shown"),
        (_has_samples(ds, layout), "SamplesPerPixel does not match PhotometricInterpretation"),
        (0 < layout.rows <= 65535 and 0 < layout.columns <= 65535, "Rows or Columns is absent, zero or too large"),
        (layout.bits_allocated in BITS_ALLOCATED[keyword], "BitsAllocated is absent or cannot be shown"),
        (0 < layout.bits_stored <= layout.bits_allocated, "BitsStored is not between 1 and BitsAllocated"),
        (layout.planar_configuration in (0, 1), "PlanarConfiguration is neither 0 nor 1"),
    ):
        if not is_good:
            raise BadInput("unsupported_pixel_format", fault)
    if layout.rows * layout.columns > max_pixels:
        raise TooManyPixels(f"a frame has more than {max_pixels} pixels")
    return layout


def _has_samples(ds: Dataset, layout: Layout) -> bool:
    """Whether pixels have as many samples as their photometric interpretation requires: stated, or else by their bytes."""
    if (integer(ds, "SamplesPerPixel") or 0 if value(ds, "SamplesPerPixel") else layout.samples) == layout.samples:
        return True
    data = value(ds, layout.keyword)
    is_exact = isinstance(data, bytes) and len(data) - layout.native_bytes in (0, 1)
    return is_exact or not layout.is_native_syntax
