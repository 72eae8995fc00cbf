"""The stored values of one frame of a Dataset in any transfer syntax. How they are shown is decided elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels import get_decoder
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from medsearch_core.dicom.attributes import value
from medsearch_core.dicom.codecs import NAME, REDUCED, REDUCIBLE, reduction
from medsearch_core.dicom.encapsulation import check_fragments, codestream
from medsearch_core.dicom.layout import MAX_PIXELS, Layout, pixel_layout
from medsearch_core.dicom.quiet import FAULTS, quiet
from medsearch_core.errors import BadInput, ConfigurationError

FULL_JPEG_2000 = "pylibjpeg"
DECODERS: dict[UID, str] = {
    JPEGBaseline8Bit: "pillow",
    JPEGExtended12Bit: NAME,
    JPEGLossless: NAME,
    JPEGLosslessSV1: NAME,
    JPEGLSLossless: NAME,
    JPEGLSNearLossless: NAME,
    JPEG2000Lossless: FULL_JPEG_2000,
    JPEG2000: FULL_JPEG_2000,
    HTJ2KLossless: NAME,
    HTJ2KLosslessRPCL: NAME,
    HTJ2K: NAME,
    RLELossless: "pylibjpeg",
}
"""Transfer syntax → its only decoder, so that a result does not depend on which decoder failed first."""


def check_pixels(ds: Dataset, *, max_pixels: int = MAX_PIXELS) -> None:
    """Checks that an object's pixel data is complete and displayable. Decodes nothing.

    Args:
        ds: read with its pixels.
        max_pixels: the maximum pixels of a frame, against decompression bombs.

    Raises:
        BadInput: `no_pixel_data`, `unsupported_pixel_format`, `truncated_pixel_data` or `undecodable_pixel_data`.
    """
    quiet()
    layout = _layout(ds, max_pixels)
    if layout.is_encapsulated:
        if layout.transfer_syntax not in DECODERS:
            raise _undecodable(layout, "no decoder")
        check_fragments(ds, layout)
        return
    data = value(ds, layout.keyword)
    if not isinstance(data, bytes):
        raise _undecodable(layout, "not bytes")
    if len(data) < layout.native_bytes:
        raise BadInput("truncated_pixel_data", f"{len(data)} bytes of pixel data instead of {layout.native_bytes}")


def decode_frame(ds: Dataset, frame: int) -> np.ndarray:
    """The stored values of one frame; no other frame is decoded.

    Args:
        ds: read with its pixels.
        frame: 1-based.

    Returns:
        `[rows, columns]`, or `[rows, columns, 3]` in the color space of `stored_frame`; native byte order, possibly
        read-only. 1-bit pixels come as uint8 0 and 1; bits above BitsStored are cleared or sign-extended.

    Raises:
        BadInput: as `check_pixels`, of this frame.
        IndexError: there is no such frame.
        ConfigurationError: the transfer syntax's decoder is not installed.
    """
    return stored_frame(ds, frame)[0]


def stored_frame(ds: Dataset, frame: int, min_size: tuple[int, int] | None = None) -> tuple[np.ndarray, str]:
    """As `decode_frame`, with the photometric interpretation of what was decoded: YBR_ICT and YBR_RCT are RGB by then.

    Args:
        min_size: rows and columns that suffice. A gray JPEG 2000 frame is then halved as often as leaves at least that many,
            by decoding only the low-pass subbands of its wavelet transform, for a fraction of the work.
    """
    quiet()
    layout = _layout(ds, MAX_PIXELS)
    if not 1 <= frame <= layout.frames:
        raise IndexError(f"frame {frame} of {layout.frames} does not exist")
    fault = ""
    try:
        array, photometric, halved = (
            _compressed(ds, layout, frame, min_size) if layout.is_encapsulated else _native(ds, layout, frame)
        )
    except FAULTS as error:
        fault = type(error).__name__
    except BaseException as error:
        fault = type(error).__name__
        if fault != "PanicException":  # the RLE decoder, which is in Rust, when it runs out of bounds
            raise
    if fault:  # raised here, so that a third party's message is not kept as the context
        raise _undecodable(layout, fault, frame)
    if array.shape[:2] != _halved(layout, halved):
        raise _undecodable(layout, "its size differs from Rows by Columns", frame)
    return array.astype(array.dtype.newbyteorder("="), copy=False), photometric


def _layout(ds: Dataset, max_pixels: int) -> Layout:
    layout = pixel_layout(ds, max_pixels)
    data = value(ds, layout.keyword)
    full = layout.rows * layout.columns * 3 * layout.frames
    if layout.photometric == "YBR_FULL_422" and not layout.is_encapsulated and data and len(data) >= full:
        return replace(layout, photometric="YBR_FULL")  # its header was copied from a compressed object
    return layout


def _native(ds: Dataset, layout: Layout, frame: int) -> tuple[np.ndarray, str, int]:
    options = _options(layout) | {"view_only": True, "pixel_keyword": layout.keyword, "correct_unused_bits": False}
    if layout.keyword == "PixelData":
        options["pixel_vr"] = ds["PixelData"].VR
    data = value(ds, layout.keyword)
    array, found = get_decoder(layout.transfer_syntax).as_array(data, index=frame - 1, raw=True, **options)
    values = without_unused_bits(array, layout.bits_allocated, layout.bits_stored)
    return values, str(found["photometric_interpretation"]), 0


def without_unused_bits(array: np.ndarray, bits_allocated: int, bits_stored: int) -> np.ndarray:
    """Stored values whose bits above BitsStored are cleared, or copies of the sign (PS3.5 8.1.1).

    They rarely differ from that already, and checking costs a tenth of shifting.

    Args:
        array: of any shape; of integers, or floats, which have no such bits.
    """
    unused = bits_allocated - bits_stored
    if array.dtype.kind not in "iu" or not unused or not array.size:
        return array
    is_signed = array.dtype.kind == "i"
    most = 2 ** (bits_stored - is_signed) - 1
    if array.max() <= most and (not is_signed or array.min() >= -most - 1):
        return array
    return np.right_shift(np.left_shift(array, unused), unused)


def _compressed(ds: Dataset, layout: Layout, frame: int, min_size: tuple[int, int] | None) -> tuple[np.ndarray, str, int]:
    syntax, options = layout.transfer_syntax, _options(layout)
    data = codestream(ds, layout, frame)
    decoder, halved = DECODERS[syntax], 0
    if syntax == JPEGExtended12Bit and layout.bits_stored <= 8:
        decoder = "pillow"
    elif min_size and decoder == FULL_JPEG_2000 and syntax in REDUCIBLE and layout.photometric.startswith("MONOCHROME"):
        halved = reduction(data, layout.rows, layout.columns, min_size)
    if decoder not in get_decoder(syntax).available_plugins:
        raise ConfigurationError(
            f"{syntax.name} cannot be decoded: install the packages of medsearch[api] or [pipeline] ({decoder})"
        )
    if halved:
        rows, columns = _halved(layout, halved)
        decoder, options = REDUCED, options | {"rows": rows, "columns": columns, "reduce": halved}
    array, found = get_decoder(syntax).as_array(_one_fragment(data), index=0, raw=True, decoding_plugin=decoder, **options)
    return array, str(found["photometric_interpretation"]), halved


def _halved(layout: Layout, times: int) -> tuple[int, int]:
    """The size of a frame after this many halvings of rows and columns (ISO 15444-1 B.5)."""
    return -(-layout.rows >> times), -(-layout.columns >> times)


def _one_fragment(data: bytes) -> bytes:
    empty_offset_table = b"\xfe\xff\x00\xe0\0\0\0\0"
    return b"".join((empty_offset_table, b"\xfe\xff\x00\xe0", len(data).to_bytes(4, "little"), data))


def _options(layout: Layout) -> dict[str, Any]:
    options: dict[str, Any] = {
        "rows": layout.rows,
        "columns": layout.columns,
        "samples_per_pixel": layout.samples,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_stored,
        "pixel_representation": int(layout.is_signed),
        "photometric_interpretation": layout.photometric,
        "number_of_frames": 1 if layout.is_encapsulated else layout.frames,
        "allow_excess_frames": False,
    }
    if layout.samples > 1:  # every codec interleaves samples by pixel, whatever the header still says (PS3.5 8.2)
        options["planar_configuration"] = 0 if layout.is_encapsulated else layout.planar_configuration
    return options


def _undecodable(layout: Layout, fault: str, frame: int | None = None) -> BadInput:
    syntax = layout.transfer_syntax.name if layout.transfer_syntax.type else "an unknown transfer syntax"
    return BadInput("undecodable_pixel_data", f"cannot be decoded from {syntax} ({fault})", frame)
