"""The layout of a frame by the Image Pixel module (PS3.3 C.7.6.3), checked before anything is allocated."""

from __future__ import annotations

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
    is_signed: bool
    planar_configuration: int
    frames: int

    @property
    def is_encapsulated(self) -> bool:
        """Whether frames are compressed fragments (PS3.5 A.4): in every transfer syntax but the native ones."""
        return self.transfer_syntax not in NATIVE

    @property
    def native_bytes(self) -> int:
        """Bytes of all frames uncompressed; 1-bit frames are packed without padding between them (PS3.5 8.1.1)."""
        bits = self.rows * self.columns * self.samples * self.bits_allocated * self.frames
        return (bits * 2 // 3 if self.photometric == "YBR_FULL_422" else bits) + 7 >> 3


def frame_count(ds: Dataset) -> int:
    """NumberOfFrames (0028,0008), 1 if it is absent or empty.

    Raises:
        BadInput: `unsupported_pixel_format`, if it is not a positive integer.
    """
    if "NumberOfFrames" not in ds or ds.get_item("NumberOfFrames").value in (None, b"", ""):
        return 1
    frames = integer(ds, "NumberOfFrames")
    if frames is None or frames < 1:
        raise BadInput("unsupported_pixel_format", "NumberOfFrames is not a positive number")
    return frames


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
        samples=integer(ds, "SamplesPerPixel") or (0 if value(ds, "SamplesPerPixel") else SAMPLES.get(photometric, 0)),
        bits_allocated=integer(ds, "BitsAllocated") or 0,
        bits_stored=integer(ds, "BitsStored") or integer(ds, "BitsAllocated") or 0,
        is_signed=integer(ds, "PixelRepresentation") == 1,
        planar_configuration=integer(ds, "PlanarConfiguration") or 0,
        frames=frame_count(ds),
    )
    for is_good, fault in (
        (photometric in SAMPLES, "PhotometricInterpretation is absent or cannot be shown"),
        (SAMPLES.get(photometric) == layout.samples, "SamplesPerPixel does not match PhotometricInterpretation"),
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
