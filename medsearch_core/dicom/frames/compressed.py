"""Frames that are compressed, decoded as their codestreams say."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import numpy as np
from pydicom.uid import UID, RLELossless

from medsearch_core.dicom.codestreams.codecs import (
    DECODERS,
    FULL_JPEG_2000,
    HAS_CODECS,
    NAME,
    REDUCED,
    SYNTAXES,
    decode_jpeg_xl,
    end_of_image,
    reduction,
)
from medsearch_core.dicom.codestreams.detection import is_start, read_header
from medsearch_core.dicom.codestreams.header import Format, Header
from medsearch_core.dicom.frames.color_space import GRAY, decoded_colors
from medsearch_core.dicom.frames.layout import Layout
from medsearch_core.dicom.frames.native import uncompressed
from medsearch_core.dicom.frames.pixel_data import PixelData
from medsearch_core.dicom.frames.runner import check_installed, decode_codestream, frame_options
from medsearch_core.dicom.frames.sample_bits import SampleBits
from medsearch_core.dicom.frames.stored import DEFLATED, RUN_LENGTHS, StoredFrame, bits_of, stored_as
from medsearch_core.errors import BadInput

DEFLATED_FRAMES = UID("1.2.840.10008.1.2.8.1")
"""Deflated Image Frame Compression (PS3.5 A.4.13)."""
WITHOUT_SIGNATURE = (RLELossless, DEFLATED_FRAMES)
MUST_END = (Format.JPEG, Format.LOSSLESS_JPEG, Format.JPEG_LS)
"""The formats whose codecs make up what is missing."""
OVERSHOOT = 5 / 4
"""The most that an average of samples exceeds the largest of them, at an edge."""


def may_be_decodable(pixels: PixelData) -> bool:
    """Whether any frame begins like a codestream or is an uncompressed one, where that can be told."""
    return pixels.layout.transfer_syntax in WITHOUT_SIGNATURE or any(
        is_start(pixels.data, spans[0][0]) or pixels.layout.is_frame_size(sum(end - begin for begin, end in spans))
        for spans in (pixels.division or ())[: pixels.frames]
    )


def compressed_frame(pixels: PixelData, frame: int, min_size: tuple[int, int] | None) -> StoredFrame:
    """A frame (1-based) of pixel data in items.

    Args:
        min_size: rows and columns that suffice, as for `stored_frame`.

    Raises:
        BadInput: `undecodable_pixel_data`, it is no codestream that can be decoded, or one of another size.
        ConfigurationError: the decoder is not installed.
    """
    layout, data = pixels.layout, pixels.compressed(frame)
    header = read_header(data)
    if header is not None:
        if (header.rows, header.columns) != (layout.rows, layout.columns):
            raise BadInput("undecodable_pixel_data", "the codestream's size differs from Rows by Columns", frame)
        return _decoded(layout, header, data, min_size)
    if layout.transfer_syntax == RLELossless:
        numbers = decode_codestream(RLELossless, DECODERS[RLELossless], data, frame_options(layout))
        return stored_as(numbers, bits_of(layout, layout.bits_allocated), layout.photometric, codec=RUN_LENGTHS)
    if layout.transfer_syntax == DEFLATED_FRAMES:
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, layout.frame_bits // 8 + 1)
    if not layout.is_frame_size(len(data)):
        raise BadInput("undecodable_pixel_data", "the frame is no codestream that can be decoded", frame)
    stored = uncompressed(layout, data)
    return replace(stored, codec=DEFLATED) if layout.transfer_syntax == DEFLATED_FRAMES else stored


def _decoded(layout: Layout, header: Header, data: bytes, min_size: tuple[int, int] | None) -> StoredFrame:
    """A frame by its codestream, whose own account of depth, sign and colors is followed."""
    if header.format in MUST_END:
        end = end_of_image(data, header)
        if not end:
            raise ValueError("the codestream is incomplete")
        data = data if len(data) - end <= 1 else data[:end]
    is_twos_complement = layout.is_signed and not header.is_signed
    bits = bits_of(layout, header.precision, is_exact=not header.is_lossy or is_twos_complement)
    if min_size and header.components == 1 and layout.photometric in GRAY and not (is_twos_complement or bits.lowest):
        halved = _halved(layout, header, data, min_size, bits)
        if halved is not None:
            return halved
    if header.format is Format.JPEG_XL:
        check_installed(HAS_CODECS, header.format, NAME)
        numbers = decode_jpeg_xl(data)
        bits = bits_of(layout, 8 * numbers.dtype.itemsize)
    else:
        syntax = SYNTAXES[header.format]
        numbers = decode_codestream(syntax, DECODERS[syntax], data, frame_options(layout) | _described(header))
    components = 1 if numbers.ndim == 2 else numbers.shape[-1]
    colors = decoded_colors(header, components, layout.photometric)
    if components > 1 and colors in GRAY:
        numbers = np.ascontiguousarray(numbers[..., 0])
    return stored_as(numbers, bits, colors, codec=header.format, is_lossy=header.is_lossy)


def _halved(layout: Layout, header: Header, data: bytes, min_size: tuple[int, int], bits: SampleBits) -> StoredFrame | None:
    """A gray JPEG 2000 frame at a lower resolution; None if there is none that suffices.

    Nor if other bits than those of samples are set, which averages would mix.
    """
    syntax = SYNTAXES[header.format]
    times = reduction(data, header, min_size) if DECODERS[syntax] == FULL_JPEG_2000 else 0
    if not times:
        return None
    rows, columns = layout.halved(times)
    options = frame_options(layout) | _described(header) | {"rows": rows, "columns": columns, "reduce": times}
    numbers = decode_codestream(syntax, REDUCED, data, options)
    if bits.width < bits.held and np.abs(numbers.astype(np.int32)).max() > OVERSHOOT * (1 << bits.width):
        return None
    return StoredFrame(numbers, layout.photometric, bits.width, times, header.is_lossy, header.format, bits)


def _described(header: Header) -> dict[str, Any]:
    """The options of pydicom's runner that describe what the codec yields, so that pydicom changes none of it."""
    if header.components not in (1, 3) or not 1 <= header.precision <= 32:
        raise ValueError("neither gray nor of three colors, or too deep")
    return {
        "samples_per_pixel": header.components,
        "bits_allocated": next(size for size in (8, 16, 32) if header.precision <= size),
        "bits_stored": header.precision,
        "pixel_representation": int(header.is_signed),
        "photometric_interpretation": "MONOCHROME2" if header.components == 1 else "RGB",
        "planar_configuration": 0,
        "apply_jls_sign_correction": False,
    }
