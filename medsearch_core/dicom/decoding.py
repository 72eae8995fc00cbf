"""The stored values of one frame of a Dataset, however it is stored. How they are shown is decided elsewhere."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels import get_decoder
from pydicom.uid import UID, ExplicitVRLittleEndian, RLELossless

from medsearch_core.dicom.attributes import value
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
from medsearch_core.dicom.color_space import GRAY, decoded_colors
from medsearch_core.dicom.layout import MAX_PIXELS, Layout, pixel_layout
from medsearch_core.dicom.pixel_data import PixelData, pixel_data
from medsearch_core.dicom.quiet import FAULTS, quiet
from medsearch_core.dicom.sample_bits import extracted, sample_bits
from medsearch_core.errors import BadInput, ConfigurationError

DEFLATED_FRAMES = UID("1.2.840.10008.1.2.8.1")
"""Deflated Image Frame Compression (PS3.5 A.4.13)."""
WITHOUT_SIGNATURE = (RLELossless, DEFLATED_FRAMES)
MUST_END = (Format.JPEG, Format.LOSSLESS_JPEG, Format.JPEG_LS)
"""The formats whose codecs make up what is missing."""


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """A decoded frame.

    Args:
        samples: `[rows, columns]`, or `[rows, columns, 3]`; native byte order, possibly read-only.
        photometric: the photometric interpretation of `samples`: what is transformed in YBR_ICT and YBR_RCT is RGB by now.
        bits: of a sample.
        halvings: how often it was halved.
        is_lossy: whether it differs from the image that was compressed.
    """

    samples: np.ndarray
    photometric: str
    bits: int
    halvings: int = 0
    is_lossy: bool = False


def check_pixels(ds: Dataset, *, max_pixels: int = MAX_PIXELS) -> None:
    """Checks that an object has a frame that may be displayable. Decodes nothing.

    Args:
        ds: read with its pixels.
        max_pixels: the maximum pixels of a frame, against decompression bombs.

    Raises:
        BadInput: `no_pixel_data`, `unsupported_pixel_format`, `truncated_pixel_data` or `undecodable_pixel_data`.
    """
    quiet()
    pixels = _pixel_data(ds, max_pixels)
    if not pixels.frames:
        raise BadInput("truncated_pixel_data", "not one whole frame of pixel data")
    if pixels.division is None:
        return
    if pixels.layout.transfer_syntax not in WITHOUT_SIGNATURE and not any(
        is_start(pixels.data, spans[0][0]) or pixels.layout.is_frame_size(sum(end - begin for begin, end in spans))
        for spans in pixels.division[: pixels.frames]
    ):
        raise _undecodable(pixels.layout, "no decoder")


def held_frames(ds: Dataset) -> int:
    """How many frames an object has, at most NumberOfFrames. Further ones are missing.

    Raises:
        BadInput: as `check_pixels`.
    """
    return _pixel_data(ds, MAX_PIXELS).frames


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
    quiet()
    pixels = _pixel_data(ds, MAX_PIXELS)
    layout = pixels.layout
    if not 1 <= frame <= layout.frames:
        raise IndexError(f"frame {frame} of {layout.frames} does not exist")
    if frame > pixels.frames:
        raise BadInput("truncated_pixel_data", f"{pixels.frames} frames instead of {layout.frames}", frame)
    fault = ""
    try:
        found = _native(pixels, frame) if pixels.division is None else _compressed(pixels, frame, min_size)
    except FAULTS as error:
        fault = type(error).__name__
    except BaseException as error:
        fault = type(error).__name__
        if fault != "PanicException":  # the RLE decoder, which is in Rust, when it runs out of bounds
            raise
    if fault:  # raised here, so that a third party's message is not kept as the context
        raise _undecodable(layout, fault, frame)
    if found.samples.shape[:2] != _halved(layout, found.halvings):
        raise _undecodable(layout, "its size differs from Rows by Columns", frame)
    return found


def _pixel_data(ds: Dataset, max_pixels: int) -> PixelData:
    layout = pixel_layout(ds, max_pixels)
    if layout.photometric == "YBR_FULL_422":
        data, full = value(ds, layout.keyword), replace(layout, photometric="YBR_FULL")
        if isinstance(data, bytes) and len(data) >= full.native_bytes:
            layout = full  # its header was copied from a compressed object
    return pixel_data(ds, layout)


def _native(pixels: PixelData, frame: int) -> StoredFrame:
    layout = pixels.layout
    if layout.bits_allocated == 1 and layout.samples == 1:
        return StoredFrame(_single_bits(pixels, frame), layout.photometric, 1)
    syntax = layout.transfer_syntax if layout.is_native_syntax else ExplicitVRLittleEndian
    return _uncompressed(layout, pixels.data, frame, syntax, pixels.frames, pixels.vr)


def _single_bits(pixels: PixelData, frame: int) -> np.ndarray:
    """A frame of single bits, the lowest of a byte first; frames follow each other without padding (PS3.5 8.1.1)."""
    count, layout = pixels.layout.frame_bits, pixels.layout
    begin = count * (frame - 1)
    stored = np.frombuffer(pixels.data[begin // 8 : -(-(begin + count) // 8)], np.uint8)
    return np.unpackbits(stored, bitorder="little")[begin % 8 :][:count].reshape(layout.rows, layout.columns)


def _uncompressed(
    layout: Layout, data: bytes, frame: int = 1, syntax: UID = ExplicitVRLittleEndian, frames: int = 1, vr: str = "OW"
) -> StoredFrame:
    options = _options(layout) | {
        "view_only": True,
        "pixel_keyword": layout.keyword,
        "number_of_frames": frames,
        "pixel_vr": vr,
    }
    if layout.samples > 1:
        options["planar_configuration"] = layout.planar_configuration
    numbers, found = get_decoder(syntax).as_array(data, index=frame - 1, raw=True, **options)
    return _samples(layout, numbers, str(found["photometric_interpretation"]), layout.bits_allocated)


def _samples(
    layout: Layout, numbers: np.ndarray, photometric: str, held: int, halvings: int = 0, *, is_exact: bool = True
) -> StoredFrame:
    """The samples in numbers of which `held` bits were stored."""
    bits = sample_bits(
        held=held,
        allocated=layout.bits_allocated,
        stored=layout.bits_stored,
        high_bit=layout.high_bit,
        is_signed=layout.is_signed,
        is_exact=is_exact,
    )
    samples = extracted(numbers.astype(numbers.dtype.newbyteorder("="), copy=False), bits)
    return StoredFrame(samples, photometric, bits.width, halvings, not is_exact)


def _compressed(pixels: PixelData, frame: int, min_size: tuple[int, int] | None) -> StoredFrame:
    layout, data = pixels.layout, pixels.compressed(frame)
    header = read_header(data)
    if header is not None:
        return _decoded(layout, header, data, min_size, frame)
    if layout.transfer_syntax == RLELossless:
        numbers = _by_pydicom(RLELossless, DECODERS[RLELossless], data, _options(layout))
        return _samples(layout, numbers, layout.photometric, layout.bits_allocated)
    if layout.transfer_syntax == DEFLATED_FRAMES:
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, layout.frame_bits // 8 + 1)
    if not layout.is_frame_size(len(data)):
        raise BadInput("undecodable_pixel_data", "the frame is no codestream that can be decoded", frame)
    return _uncompressed(layout, data)


def _decoded(layout: Layout, header: Header, data: bytes, min_size: tuple[int, int] | None, frame: int) -> StoredFrame:
    """A frame by its codestream, whose own account of size, depth, sign and colors is followed."""
    if (header.rows, header.columns) != (layout.rows, layout.columns):
        raise BadInput("undecodable_pixel_data", "the codestream's size differs from Rows by Columns", frame)
    if header.format in MUST_END:
        end = end_of_image(data, header)
        if not end:
            raise ValueError("the codestream is incomplete")
        data = data if end == len(data) else data[:end]
    halvings = 0
    if header.format is Format.JPEG_XL:
        _check_installed(HAS_CODECS, header.format, NAME)
        numbers = decode_jpeg_xl(data)
    else:
        syntax = SYNTAXES[header.format]
        decoder = DECODERS[syntax]
        options = _options(layout) | _described(header)
        if min_size and decoder == FULL_JPEG_2000 and header.components == 1:
            halvings = reduction(data, header, min_size)
        if halvings:
            rows, columns = _halved(layout, halvings)
            decoder, options = REDUCED, options | {"rows": rows, "columns": columns, "reduce": halvings}
        numbers = _by_pydicom(syntax, decoder, data, options)
    components = 1 if numbers.ndim == 2 else numbers.shape[-1]
    colors = decoded_colors(header, components, layout.photometric)
    if components > 1 and colors in GRAY:
        numbers = np.ascontiguousarray(numbers[..., 0])
    held = header.precision or 8 * numbers.dtype.itemsize
    return _samples(layout, numbers, colors, held, halvings, is_exact=not header.is_lossy)


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


def _by_pydicom(syntax: UID, plugin: str, data: bytes, options: dict[str, Any]) -> np.ndarray:
    decoder = get_decoder(syntax)
    _check_installed(plugin in decoder.available_plugins, syntax.name, plugin)
    numbers: np.ndarray = decoder.as_array(_one_fragment(data), index=0, raw=True, decoding_plugin=plugin, **options)[0]
    return numbers


def _check_installed(is_installed: bool, name: str, plugin: str) -> None:
    if not is_installed:
        raise ConfigurationError(f"{name} cannot be decoded: install the packages of medsearch[api] or [pipeline] ({plugin})")


def _halved(layout: Layout, times: int) -> tuple[int, int]:
    """The size of a frame after this many halvings of rows and columns (ISO 15444-1 B.5)."""
    return -(-layout.rows >> times), -(-layout.columns >> times)


def _one_fragment(data: bytes) -> bytes:
    empty_offset_table = b"\xfe\xff\x00\xe0\0\0\0\0"
    return b"".join((empty_offset_table, b"\xfe\xff\x00\xe0", len(data).to_bytes(4, "little"), data))


def _options(layout: Layout) -> dict[str, Any]:
    """The options of pydicom's runner for one frame as the object's header describes it."""
    options: dict[str, Any] = {
        "rows": layout.rows,
        "columns": layout.columns,
        "samples_per_pixel": layout.samples,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_stored,
        "pixel_representation": int(layout.is_signed),
        "photometric_interpretation": layout.photometric,
        "number_of_frames": 1,
        "allow_excess_frames": False,
        "correct_unused_bits": False,
    }
    if layout.samples > 1:  # every codec interleaves samples by pixel, whatever the header still says (PS3.5 8.2)
        options["planar_configuration"] = 0
    return options


def _undecodable(layout: Layout, fault: str, frame: int | None = None) -> BadInput:
    syntax = layout.transfer_syntax.name if layout.transfer_syntax.type else "an unknown transfer syntax"
    return BadInput("undecodable_pixel_data", f"cannot be decoded from {syntax} ({fault})", frame)
