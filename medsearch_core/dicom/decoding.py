"""The stored values of one frame of a Dataset, however it is stored. How they are shown is decided elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydicom.dataset import Dataset

from medsearch_core.dicom.attributes import value
from medsearch_core.dicom.frames.compressed import compressed_frame, may_be_decodable
from medsearch_core.dicom.frames.layout import MAX_PIXELS, Layout, pixel_layout
from medsearch_core.dicom.frames.native import native_frame
from medsearch_core.dicom.frames.pixel_data import PixelData, pixel_data
from medsearch_core.dicom.frames.stored import StoredFrame
from medsearch_core.dicom.quiet import FAULTS, quiet
from medsearch_core.errors import BadInput


def check_pixels(ds: Dataset, *, max_pixels: int = MAX_PIXELS) -> int:
    """Checks that an object has a frame that may be displayable. Decodes nothing.

    Args:
        ds: read with its pixels.
        max_pixels: the maximum pixels of a frame, against decompression bombs.

    Returns:
        How many frames it has, at most NumberOfFrames. Further ones are missing.

    Raises:
        BadInput: `no_pixel_data`, `unsupported_pixel_format`, `truncated_pixel_data` or `undecodable_pixel_data`.
    """
    quiet()
    pixels = find_pixels(ds, max_pixels)
    if not pixels.frames:
        raise BadInput("truncated_pixel_data", "not one whole frame of pixel data")
    if pixels.division is not None and not may_be_decodable(pixels):
        raise _undecodable(pixels.layout, "no decoder")
    return pixels.frames


def decode_frame(ds: Dataset, frame: int) -> np.ndarray:
    """The stored values of one frame; no other frame is decoded.

    Args:
        ds: read with its pixels.
        frame: 1-based.

    Returns:
        `[rows, columns]`, or `[rows, columns, 3]`, in as many bits as BitsAllocated says; native byte order, possibly
        read-only. 1-bit pixels come as uint8 0 and 1; bits above BitsStored are cleared or sign-extended.

    Raises:
        BadInput: as `check_pixels`, of this frame.
        IndexError: there is no such frame.
        ConfigurationError: the decoder is not installed.
    """
    samples = stored_frame(ds, frame).samples
    size = max(1, pixel_layout(ds).bits_allocated // 8)
    return samples.astype(f"{samples.dtype.kind}{size}", copy=False) if samples.dtype.itemsize < size else samples


def stored_frame(ds: Dataset, frame: int, min_size: tuple[int, int] | None = None) -> StoredFrame:
    """As `decode_frame`, in as many bits as were stored, with what is known of them.

    Args:
        min_size: rows and columns that suffice. A gray JPEG 2000 frame is then halved as often as leaves at least that many,
            by decoding only the low-pass subbands of its wavelet transform, for a fraction of the work.
    """
    return _decoded(find_pixels(ds), frame, min_size)


def stored_numbers(ds: Dataset, frame: int) -> StoredFrame:
    """As `stored_frame`, with all bits of the decoded numbers, whatever they are of; integers are unsigned."""
    pixels = find_pixels(ds)
    bits = pixels.layout.bits_allocated
    every_bit = replace(pixels.layout, bits_stored=bits, high_bit=bits - 1, is_signed=False)
    return _decoded(replace(pixels, layout=every_bit), frame)


def _decoded(pixels: PixelData, frame: int, min_size: tuple[int, int] | None = None) -> StoredFrame:
    quiet()
    layout = pixels.layout
    if not 1 <= frame <= layout.frames:
        raise IndexError(f"frame {frame} of {layout.frames} does not exist")
    if frame > pixels.frames:
        raise BadInput("truncated_pixel_data", f"{pixels.frames} frames instead of {layout.frames}", frame)
    fault = ""
    try:
        found = native_frame(pixels, frame) if pixels.division is None else compressed_frame(pixels, frame, min_size)
    except FAULTS as error:
        fault = type(error).__name__
    except BaseException as error:
        fault = type(error).__name__
        if fault != "PanicException":  # the RLE decoder, which is in Rust, when it runs out of bounds
            raise
    if fault:  # raised here, so that a third party's message is not kept as the context
        raise _undecodable(layout, fault, frame)
    if found.samples.shape[:2] != layout.halved(found.halvings):
        raise _undecodable(layout, "its size differs from Rows by Columns", frame)
    return found


def find_pixels(ds: Dataset, max_pixels: int = MAX_PIXELS) -> PixelData:
    """An object's pixel data and where its frames are; raises what `check_pixels` does."""
    layout = pixel_layout(ds, max_pixels)
    if layout.photometric == "YBR_FULL_422":
        data, full = value(ds, layout.keyword), replace(layout, photometric="YBR_FULL")
        if isinstance(data, bytes) and len(data) >= full.native_bytes:
            layout = full  # its header was copied from a compressed object
    return pixel_data(ds, layout)


def _undecodable(layout: Layout, fault: str, frame: int | None = None) -> BadInput:
    syntax = layout.transfer_syntax.name if layout.transfer_syntax.type else "an unknown transfer syntax"
    return BadInput("undecodable_pixel_data", f"cannot be decoded from {syntax} ({fault})", frame)
