"""The bytes of each frame: of which of an object's bytes a frame is made, compressed or not, and how many frames there are.

The transfer syntax and NumberOfFrames are hints. Compressed are frames in items, and a bare codestream; all else is native.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from struct import unpack_from

from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from medsearch_core.dicom.attributes import value
from medsearch_core.dicom.codestreams.detection import is_start, read_header
from medsearch_core.dicom.codestreams.packing import ITEM, Division, IsStart, divide, extended_offsets, joined, read_items
from medsearch_core.dicom.frames.layout import Layout
from medsearch_core.errors import BadInput

UNDEFINED_LENGTH = 0xFFFFFFFF
FOUND = "_medsearch_pixel_data"
"""The attribute of a data set that keeps what was found, so that an object of many frames is searched once."""
RLE_SEGMENTS, RLE_HEAD = range(1, 16), 64


@dataclass(frozen=True)
class PixelData:
    """An object's pixel data, and where its frames are.

    Args:
        division: the spans of each compressed frame; None if frames are native.
        is_cut: whether the last span is incomplete.
        vr: the value representation of the pixel data, by which bytes in words are swapped.
    """

    data: bytes
    layout: Layout
    division: Division | None
    is_cut: bool = False
    vr: str = "OW"

    @cached_property
    def frames(self) -> int:
        """How many frames there are, at most as many as the object claims; a last one that is cut off does not count."""
        if self.division is None:
            return min(self.layout.frames, 8 * len(self.data) // self.layout.frame_bits)
        return min(self.layout.frames, len(self.division) - self.is_cut)

    def compressed(self, frame: int) -> bytes:
        """The bytes of one compressed frame (1-based)."""
        return joined(self.data, (self.division or ())[frame - 1])


def pixel_data(ds: Dataset, layout: Layout) -> PixelData:
    """An object's pixel data; found once, unless the object is changed.

    Raises:
        BadInput: `undecodable_pixel_data`, it is neither native nor compressed.
    """
    data = value(ds, layout.keyword)
    if not isinstance(data, bytes):
        raise BadInput("undecodable_pixel_data", "pixel data that is not bytes")
    of, known = getattr(ds, FOUND, (None, None))
    if known is None or of is not data or known.layout != layout:
        known = _found(ds, layout, data)
        object.__setattr__(ds, FOUND, (data, known))
    return known


def _found(ds: Dataset, layout: Layout, data: bytes) -> PixelData:
    if _is_in_items(ds, layout, data):
        items = read_items(data)
        if not items.is_contiguous:
            raise BadInput("undecodable_pixel_data", "compressed pixel data whose fragments are not contiguous")
        begins = start_of(layout)
        is_uncompressed = not any(begins(data, at) for at, _ in items.fragments)
        if is_uncompressed and _is_native_length(layout, sum(end - at for at, end in items.fragments)):
            return PixelData(joined(data, items.fragments), layout, None)
        tables = [extended_offsets(value(ds, "ExtendedOffsetTable"))]
        division = divide(data, items, layout.frames, tables, begins)
        return PixelData(data, layout, division, items.is_cut)
    if layout.is_native_syntax:
        is_bare = len(data) < layout.native_bytes and is_start(data) and _has_size(data, layout)
    else:
        is_bare = is_start(data)
        if not is_bare and not _is_native_length(layout, len(data)):
            raise BadInput("undecodable_pixel_data", "compressed pixel data that is not divided into fragments")
    whole: Division | None = [[(0, len(data))]] if is_bare else None
    return PixelData(data, layout, whole, vr=str(ds[layout.keyword].VR))


def _is_native_length(layout: Layout, length: int) -> bool:
    return length - layout.native_bytes in (0, 1)


def _is_in_items(ds: Dataset, layout: Layout, data: bytes) -> bool:
    if not data.startswith(ITEM[: len(data)]):
        return False
    return not layout.is_native_syntax or _is_undefined_length(ds, layout) or _holds_frames(data, layout)


def _is_undefined_length(ds: Dataset, layout: Layout) -> bool:
    element = ds.get_item(layout.keyword)
    return getattr(element, "length", 0) == UNDEFINED_LENGTH or getattr(element, "is_undefined_length", False)


def _holds_frames(data: bytes, layout: Layout) -> bool:
    items = read_items(data)
    return items.is_contiguous and any(
        is_start(data, begin) or layout.is_frame_size(end - begin) for begin, end in items.fragments
    )


def _has_size(data: bytes, layout: Layout) -> bool:
    header = read_header(data)
    return header is not None and (header.rows, header.columns) == (layout.rows, layout.columns)


def start_of(layout: Layout) -> IsStart:
    """Tells where a compressed frame of this object begins."""
    return is_start_of_runs if layout.transfer_syntax == RLELossless else is_start


def is_start_of_runs(data: bytes, at: int) -> bool:
    """Whether an RLE frame begins at an offset: how many segments it has, and that the first follows (PS3.5 G.5)."""
    if len(data) < at + RLE_HEAD:
        return False
    segments, first = unpack_from("<2L", data, at)
    return segments in RLE_SEGMENTS and first == RLE_HEAD
