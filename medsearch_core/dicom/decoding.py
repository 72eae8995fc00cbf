"""One frame of stored values out of a Dataset, in whatever transfer syntax. How they are shown is decided elsewhere."""

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
from medsearch_core.dicom.encapsulation import check_fragments, codestream
from medsearch_core.dicom.isolation import HELPER
from medsearch_core.dicom.layout import MAX_PIXELS, Layout, pixel_layout
from medsearch_core.dicom.quiet import FAULTS, quiet
from medsearch_core.errors import BadInput, ConfigurationError

ISOLATED = "gdcm"
DECODERS: dict[UID, str] = {
    JPEGBaseline8Bit: "pillow",
    JPEGExtended12Bit: "pillow",
    JPEGLossless: ISOLATED,
    JPEGLosslessSV1: ISOLATED,
    JPEGLSLossless: ISOLATED,
    JPEGLSNearLossless: ISOLATED,
    JPEG2000Lossless: "pylibjpeg",
    JPEG2000: "pylibjpeg",
    HTJ2KLossless: "pylibjpeg",
    HTJ2KLosslessRPCL: "pylibjpeg",
    HTJ2K: "pylibjpeg",
    RLELossless: "pylibjpeg",
}
"""Transfer syntax → the one decoder that is asked, so that a result does not depend on which one happened to fail first.

Pillow and OpenJPEG raise on a damaged codestream; GDCM, which alone knows lossless JPEG, JPEG-LS and 12-bit JPEG, aborts.
"""


def check_pixels(ds: Dataset, *, max_pixels: int = MAX_PIXELS) -> None:
    """Whether an object's pixel data is all there and of a kind that can be shown. Decodes nothing.

    Args:
        ds: read with its pixels.
        max_pixels: the most pixels a frame may have, against decompression bombs.

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
        raise BadInput("truncated_pixel_data", f"{len(data)} bytes of pixel data where {layout.native_bytes} are due")


def decode_frame(ds: Dataset, frame: int) -> np.ndarray:
    """The stored values of one frame; no other frame is decoded.

    Args:
        ds: read with its pixels.
        frame: 1-based.

    Returns:
        `[rows, columns]`, or `[rows, columns, 3]` in the colour space of `stored_frame`; native byte order, possibly
        read-only. 1-bit pixels come as uint8 0 and 1; bits above BitsStored are cleared or sign-extended.

    Raises:
        BadInput: as `check_pixels`, of this frame.
        IndexError: there is no such frame.
        ConfigurationError: the transfer syntax's decoder is not installed.
    """
    return stored_frame(ds, frame)[0]


def stored_frame(ds: Dataset, frame: int) -> tuple[np.ndarray, str]:
    """As `decode_frame`, with the photometric interpretation of what was decoded: YBR_ICT and YBR_RCT are RGB by then."""
    quiet()
    layout = _layout(ds, MAX_PIXELS)
    if not 1 <= frame <= layout.frames:
        raise IndexError(f"frame {frame} of {layout.frames}")
    fault = ""
    try:
        array, photometric = _compressed(ds, layout, frame) if layout.is_encapsulated else _native(ds, layout, frame)
    except FAULTS as error:
        fault = type(error).__name__
    except BaseException as error:
        fault = type(error).__name__
        if fault != "PanicException":  # of the RLE decoder, which is in Rust, when it runs out of its bounds
            raise
    if fault:  # raised here, so that a third party's message does not hang on as the context
        raise _undecodable(layout, fault, frame)
    if array.shape[:2] != (layout.rows, layout.columns):
        raise _undecodable(layout, "another size than Rows by Columns", frame)
    return array.astype(array.dtype.newbyteorder("="), copy=False), photometric


def _layout(ds: Dataset, max_pixels: int) -> Layout:
    layout = pixel_layout(ds, max_pixels)
    data = value(ds, layout.keyword)
    full = layout.rows * layout.columns * 3 * layout.frames
    if layout.photometric == "YBR_FULL_422" and not layout.is_encapsulated and data and len(data) >= full:
        return replace(layout, photometric="YBR_FULL")  # its header was copied from a compressed object
    return layout


def _native(ds: Dataset, layout: Layout, frame: int) -> tuple[np.ndarray, str]:
    options = _options(layout) | {"view_only": True, "pixel_keyword": layout.keyword}
    if layout.keyword == "PixelData":
        options["pixel_vr"] = ds["PixelData"].VR
    data = value(ds, layout.keyword)
    array, found = get_decoder(layout.transfer_syntax).as_array(data, index=frame - 1, raw=True, **options)
    return array, str(found["photometric_interpretation"])


def _compressed(ds: Dataset, layout: Layout, frame: int) -> tuple[np.ndarray, str]:
    syntax, options = layout.transfer_syntax, _options(layout)
    data = codestream(ds, layout, frame)
    decoder = DECODERS[syntax]
    if syntax == JPEGExtended12Bit and layout.bits_stored > 8:
        syntax, decoder = JPEGLosslessSV1, ISOLATED  # pydicom bars GDCM from 12 bits; GDCM goes by the codestream
    if decoder not in get_decoder(syntax).available_plugins:
        raise ConfigurationError(
            f"{syntax.name} cannot be decoded: install the packages of medsearch[api] or [pipeline] ({decoder})"
        )
    if decoder == ISOLATED:
        return HELPER.decode(str(syntax), data, options)
    array, found = get_decoder(syntax).as_array(_one_fragment(data), index=0, raw=True, decoding_plugin=decoder, **options)
    return array, str(found["photometric_interpretation"])


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
    if layout.samples > 1:  # every codec gives its samples by pixel, whatever the header kept from before (PS3.5 8.2)
        options["planar_configuration"] = 0 if layout.is_encapsulated else layout.planar_configuration
    return options


def _undecodable(layout: Layout, fault: str, frame: int | None = None) -> BadInput:
    syntax = layout.transfer_syntax.name if layout.transfer_syntax.type else "an unknown transfer syntax"
    return BadInput("undecodable_pixel_data", f"cannot be decoded from {syntax} ({fault})", frame)
