"""Compressed frames as stored: fragments (PS3.5 A.4), counted before decoding, and the sizes that codestreams declare.

A codestream that declares another size than Rows × Columns is rejected before it is decoded: it could exhaust memory or yield
the wrong image.
"""

from __future__ import annotations

from struct import unpack, unpack_from

from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.uid import RLELossless

from medsearch_core.dicom.attributes import value
from medsearch_core.dicom.layout import Layout
from medsearch_core.dicom.quiet import FAULTS
from medsearch_core.errors import BadInput

ITEM = b"\xfe\xff\x00\xe0"
END = b"\xfe\xff\xdd\xe0"
J2K_START = b"\xff\x4f\xff\x51"
JP2_START = b"\x00\x00\x00\x0cjP  "
FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
"""JPEG's SOF markers without DHT, JPG and DAC (ISO 10918-1 table B.1), and JPEG-LS's SOF55 (ISO 14495-1 C.1.1)."""


def check_fragments(ds: Dataset, layout: Layout) -> None:
    """Walks over the fragments without reading them.

    Raises:
        BadInput: `truncated_pixel_data`, the last fragment or the delimiter is cut off or frames are missing;
            `undecodable_pixel_data`, it is not a sequence of fragments.
    """
    data = value(ds, layout.keyword)
    if not isinstance(data, bytes) or data[:4] != ITEM:
        raise BadInput("undecodable_pixel_data", "compressed pixel data that is not divided into fragments")
    at, items = 0, 0
    while at < len(data) and data[at : at + 4] == ITEM:
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        items += 1
    if at > len(data):
        raise BadInput("truncated_pixel_data", "the last fragment is cut off")
    if at < len(data) and data[at : at + 4] != END:
        raise BadInput("undecodable_pixel_data", "compressed pixel data whose fragments are not contiguous")
    held = _frames_held(ds, data, items - 1)
    if held < layout.frames:
        raise BadInput("truncated_pixel_data", f"{held} frames instead of {layout.frames}")


def _frames_held(ds: Dataset, data: bytes, fragments: int) -> int:
    if extended := _extended_offsets(ds):
        return min(len(extended[0]) // 8, fragments)
    offsets = int.from_bytes(data[4:8], "little") // 4
    return min(offsets or fragments, fragments)


def _extended_offsets(ds: Dataset) -> tuple[bytes, bytes] | None:
    offsets, lengths = value(ds, "ExtendedOffsetTable"), value(ds, "ExtendedOffsetTableLengths")
    both = isinstance(offsets, bytes) and isinstance(lengths, bytes) and len(offsets) == len(lengths)
    return (offsets, lengths) if both else None


def codestream(ds: Dataset, layout: Layout, frame: int) -> bytes:
    """The compressed bytes of one frame (1-based), of all its fragments.

    Raises:
        BadInput: `undecodable_pixel_data`, the offsets or the size that the codestream declares are wrong.
    """
    fault = ""
    try:
        data = get_frame(
            value(ds, layout.keyword),
            frame - 1,
            number_of_frames=layout.frames,
            extended_offsets=_extended_offsets(ds),
        )
    except FAULTS as error:
        fault = type(error).__name__
    if fault:
        raise BadInput("undecodable_pixel_data", f"the fragments of the frame cannot be found ({fault})", frame)
    if layout.transfer_syntax == RLELossless:
        return data
    claimed = claimed_size(data)
    if claimed is None:
        raise BadInput("undecodable_pixel_data", "the frame is no JPEG or JPEG 2000 codestream", frame)
    if claimed != (layout.rows, layout.columns):
        raise BadInput("undecodable_pixel_data", "the codestream's size differs from Rows by Columns", frame)
    return data


def claimed_size(data: bytes) -> tuple[int, int] | None:
    """Rows and columns in the header of a JPEG, JPEG-LS or JPEG 2000 codestream; None for what is none of these."""
    try:
        return _jpeg_2000_size(data) if data[:8] == JP2_START or data[:4] == J2K_START else _jpeg_size(data)
    except FAULTS:
        return None


def _jpeg_2000_size(data: bytes) -> tuple[int, int]:
    """SIZ (ISO 15444-1 A.5.1): the image's extent less its offset."""
    start = _codestream_box(data) if data[:8] == JP2_START else 0
    width, height, left, top = unpack_from(">4L", data, start + 8)
    return height - top, width - left


def _codestream_box(data: bytes) -> int:
    """Where the codestream starts in a JP2 file (ISO 15444-1 I.4).

    Raises:
        ValueError: there is none, or a box before it is shorter than its own header, on which pydicom loops forever.
    """
    at = 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"jp2c":
            return at + 8
        if length < 8:
            break
        at += length
    raise ValueError("a JP2 file without a codestream")


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """The first frame header's lines and samples per line (ISO 10918-1 B.2.2)."""
    if data[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            at += 1
        elif data[at + 1] in FRAME_HEADERS:
            return unpack(">HH", data[at + 5 : at + 9])
        elif data[at + 1] in (0x00, 0x01, 0xFF) or 0xD0 <= data[at + 1] <= 0xD8:
            at += 1 if data[at + 1] == 0xFF else 2
        else:
            at += 2 + unpack_from(">H", data, at + 2)[0]
    return None
