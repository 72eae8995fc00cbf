"""Overlay planes (60xx) of a frame: graphics or regions of interest, one bit deep (PS3.3 C.9.2, C.9.3; PS3.5 8.1.2).

They are drawn on request alone. A plane that cannot be read costs itself, never the picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from medsearch_core.dicom.attributes import integer, numbers, value
from medsearch_core.dicom.decoding import find_pixels, stored_numbers
from medsearch_core.dicom.frames.layout import Layout, frame_count
from medsearch_core.dicom.resampling import resampled
from medsearch_core.errors import BadInput

GROUPS = range(0x6000, 0x6020, 2)
"""The repeating groups (PS3.5 7.6)."""
ROWS, COLUMNS, FRAMES, ORIGIN, FRAME_ORIGIN = 0x0010, 0x0011, 0x0015, 0x0050, 0x0051
BITS_ALLOCATED, BIT_POSITION, DATA = 0x0100, 0x0102, 0x3000
BRIGHT = 255


@dataclass(frozen=True, slots=True)
class Overlay:
    """One plane over a frame.

    Args:
        group: 0x6000 and so on.
        bits: bool `[rows, columns]`.
        origin: row and column of the image, counted from 0, at which its first bit lies; may be negative.
        is_embedded: whether it was in unused bits of the pixel data, which the standard retired.
    """

    group: int
    bits: np.ndarray
    origin: tuple[int, int]
    is_embedded: bool = False


@dataclass(frozen=True, slots=True)
class OverlayFault:
    """Why a plane is not shown."""

    group: int
    detail: str


class _Unusable(Exception):
    """A plane cannot be read; the message is free of header values but numbers."""


def has_overlay(ds: Dataset, frame: int) -> bool:
    """Whether any plane is to lie over a frame (1-based), by the header alone."""
    return any(_number_of_plane(ds, group, frame) is not None for group in _groups(ds))


def frame_overlays(ds: Dataset, frame: int) -> tuple[list[Overlay], list[OverlayFault]]:
    """The planes over a frame (1-based), and those that cannot be read.

    Args:
        ds: read with its pixels, which a plane may be embedded in.
    """
    found, faults = [], []
    for group in _groups(ds):
        number = _number_of_plane(ds, group, frame)
        if number is None:
            continue
        try:
            found.append(_overlay(ds, group, frame, number))
        except _Unusable as fault:
            faults.append(OverlayFault(group, str(fault)))
    return found, faults


def overlay_mask(layout: Layout, overlays: list[Overlay]) -> np.ndarray:
    """Where any of the planes has a bit: bool, `[rows, columns]` of the frame."""
    mask = np.zeros((layout.rows, layout.columns), bool)
    for overlay in overlays:
        (top, left), (height, width) = overlay.origin, overlay.bits.shape
        rows = slice(max(top, 0), max(min(top + height, layout.rows), 0))
        columns = slice(max(left, 0), max(min(left + width, layout.columns), 0))
        part = overlay.bits[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        if rows.start < rows.stop and columns.start < columns.stop:
            mask[rows, columns] |= part
    return mask


def with_overlays(ds: Dataset, frame: int, picture: np.ndarray) -> np.ndarray:
    """A picture of a frame with its overlays in white. A pixel is white if any of the bits under it is set.

    Args:
        picture: uint8 `[rows, columns]` or `[rows, columns, 3]`, of any size.
    """
    mask = overlay_mask(find_pixels(ds).layout, frame_overlays(ds, frame)[0])
    if not mask.any():
        return picture
    covered = resampled(mask.astype(np.uint8), picture.shape[:2])
    is_stretched = picture.shape[0] > mask.shape[0] or picture.shape[1] > mask.shape[1]
    drawn = picture.copy()
    drawn[covered >= 0.5 if is_stretched else covered > 0] = BRIGHT
    return drawn


def _groups(ds: Dataset) -> Iterator[int]:
    return (group for group in GROUPS if Tag(group, ROWS) in ds or Tag(group, DATA) in ds)


def _number_of_plane(ds: Dataset, group: int, frame: int) -> int | None:
    """Which of the planes of a group lies over a frame, counted from 0; None if none does.

    A single plane without numbers lies over every frame; else planes lie over the frames from ImageFrameOrigin on (C.9.3.1.1).
    """
    planes, first = integer(ds, Tag(group, FRAMES)), integer(ds, Tag(group, FRAME_ORIGIN))
    if (planes is None and first is None) or frame_count(ds) == 1:
        return 0
    number = frame - (first or 1)
    return number if 0 <= number < (planes or 1) else None


def _overlay(ds: Dataset, group: int, frame: int, number: int) -> Overlay:
    data, origin = value(ds, Tag(group, DATA)), numbers(ds, Tag(group, ORIGIN)) or [1.0, 1.0]
    if len(origin) != 2:
        raise _Unusable("OverlayOrigin is not a row and a column")
    at = int(origin[0]) - 1, int(origin[1]) - 1
    if data is None:
        return Overlay(group, _embedded(ds, group, frame), at, is_embedded=True)
    rows, columns = integer(ds, Tag(group, ROWS)) or 0, integer(ds, Tag(group, COLUMNS)) or 0
    if rows <= 0 or columns <= 0 or rows > 0xFFFF or columns > 0xFFFF:
        raise _Unusable("OverlayRows or OverlayColumns is absent or zero")
    if not isinstance(data, bytes):
        raise _Unusable("OverlayData is not bytes")
    begin, end = number * rows * columns, (number + 1) * rows * columns
    if end > 8 * len(data):
        raise _Unusable(f"OverlayData has {8 * len(data)} bits and needs {end}")
    is_swapped = ds.original_encoding[1] is False and ds[Tag(group, DATA)].VR == "OW"
    if is_swapped:
        data = np.frombuffer(data[: len(data) // 2 * 2], ">u2").astype("<u2").tobytes() + data[len(data) // 2 * 2 :]
    held = np.frombuffer(data[begin // 8 : -(-end // 8)], np.uint8)
    bits = np.unpackbits(held, bitorder="little")[begin % 8 :][: rows * columns]
    return Overlay(group, bits.reshape(rows, columns).astype(bool), at)


def _embedded(ds: Dataset, group: int, frame: int) -> np.ndarray:
    """A plane in a bit of the pixel data that is none of a sample (PS3.5 8.1.2, retired in 2004)."""
    layout = find_pixels(ds).layout
    allocated, bit = integer(ds, Tag(group, BITS_ALLOCATED)), integer(ds, Tag(group, BIT_POSITION))
    if allocated != layout.bits_allocated or bit is None or not 0 <= bit < layout.bits_allocated or layout.samples != 1:
        raise _Unusable("there is no OverlayData, and OverlayBitPosition is no bit of the pixel data")
    high = layout.bits_stored - 1 if layout.high_bit is None else layout.high_bit
    if high - layout.bits_stored < bit <= high:
        raise _Unusable(f"OverlayBitPosition is {bit}, a bit of the samples")
    try:
        stored = stored_numbers(ds, frame)
    except (BadInput, IndexError):
        raise _Unusable("the pixel data that holds it cannot be decoded") from None
    held = stored.place.held if stored.place is not None and stored.samples.dtype.kind == "u" else 0
    if stored.is_lossy or bit >= held:
        raise _Unusable(f"bit {bit} was not kept by the compression")
    bits: np.ndarray = (stored.samples >> bit & 1).astype(bool)
    return bits
