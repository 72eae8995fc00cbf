"""Frames as 8-bit images at the requested size, as a radiologist's viewer would show them.

Belongs here: the order of the steps. Each step has a module of its own: `decoding`, `resampling`, `grayscale`, `color`,
`supplemental_palette`, `overlays`. Overlays are drawn on request alone. ICC profiles and presentation states are not applied.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from medsearch_core.dicom.color import eight_bit, palette_colored, rgb_of_ybr
from medsearch_core.dicom.decoding import check_pixels, decode_frame, stored_frame
from medsearch_core.dicom.frames.layout import MAX_PIXELS, Layout, frame_count, pixel_layout
from medsearch_core.dicom.frames.stored import StoredFrame
from medsearch_core.dicom.geometry import pixel_aspect
from medsearch_core.dicom.grayscale import Grays, Window, gray
from medsearch_core.dicom.lookup_tables import LookupTable
from medsearch_core.dicom.overlays import with_overlays
from medsearch_core.dicom.quiet import FAULTS
from medsearch_core.dicom.resampling import centered, picture_size, resampled
from medsearch_core.dicom.supplemental_palette import has_supplemental_palette, partly_colored, supplemental_palette
from medsearch_core.errors import BadInput, InvalidQuery

OVERSAMPLING = 2
"""A wavelet's low-pass is not an area mean: it is decoded at twice the image's size and averaged down from there."""

__all__ = ["MAX_PIXELS", "check_pixels", "decode_frame", "frame_count", "render_frame"]


def render_frame(
    ds: Dataset,
    frame: int,
    longest_side: int | None = None,
    window: Window | None = None,
    *,
    is_inverted: bool = False,
    is_small: bool = False,
    has_overlays: bool = False,
) -> np.ndarray:
    """One frame as an image.

    Non-square pixels are stretched along their longer side. An image larger than `longest_side` is downsampled by averaging
    stored values before windowing (palettes are looked up first); a smaller one is not enlarged.

    Args:
        ds: read with its pixels.
        frame: 1-based.
        longest_side: maximum pixels of the longer side; None for full size.
        window: replaces the object's own; monochrome frames only, like any VOI transformation (PS3.3 C.11.2).
        is_inverted: whether to invert the grays; monochrome frames only.
        is_small: whether a gray JPEG 2000 frame may be decoded at a lower resolution that suffices for the image. It then
            differs from the full decode by less than one gray level on average.
        has_overlays: whether to draw the overlay planes over the frame, in white. Those that cannot be read are left out.

    Returns:
        uint8 `[rows, columns]`, or `[rows, columns, 3]` RGB for color.

    Raises:
        BadInput: as `check_pixels`, of this frame.
        IndexError: there is no such frame.
        InvalidQuery: a window or inverted grays were requested of a color frame.
    """
    stored = frame_to_draw(ds, frame, longest_side, is_small=is_small)
    picture = draw(ds, frame, stored, longest_side, window, is_inverted=is_inverted).pixels
    return with_overlays(ds, frame, picture) if has_overlays else picture


@dataclass(frozen=True, slots=True)
class Drawn:
    """A frame as an image.

    Args:
        pixels: uint8 `[rows, columns]`, or `[rows, columns, 3]` RGB.
        chosen: the object's grays that were chosen; None for color without any gray, and if a window was given.
    """

    pixels: np.ndarray
    chosen: Grays | None

    @property
    def grays(self) -> str | None:
        """The name of the chosen grays."""
        return self.chosen.name if self.chosen else None


def frame_to_draw(ds: Dataset, frame: int, longest_side: int | None, *, is_small: bool) -> StoredFrame:
    """The decoded frame that an image of this size is drawn of; arguments as for `render_frame`."""
    rows, columns = _size(ds, frame, longest_side)
    is_small = is_small and not has_supplemental_palette(ds, frame)  # whose indices cannot be averaged
    return stored_frame(ds, frame, (OVERSAMPLING * rows, OVERSAMPLING * columns) if is_small else None)


def draw(
    ds: Dataset,
    frame: int,
    stored: StoredFrame,
    longest_side: int | None = None,
    window: Window | None = None,
    *,
    is_inverted: bool = False,
) -> Drawn:
    """A decoded frame as an image; arguments as for `render_frame`."""
    layout, size = pixel_layout(ds), _size(ds, frame, longest_side)
    is_color = has_color(stored)
    if is_color and (window is not None or is_inverted):
        raise InvalidQuery("a color image has no window and cannot be inverted")
    fault = ""
    try:
        if is_color:
            return Drawn(_colored(ds, stored, size), None)
        if (tables := colors_beside_grays(ds, frame, stored)) is not None:
            picture, grays = partly_colored(ds, frame, stored, tables, window, is_inverted=is_inverted)
            return Drawn(resampled(picture, size), grays)
        return Drawn(*gray(ds, frame, _averaged(stored, size, layout), stored, window, is_inverted=is_inverted))
    except FAULTS as error:
        fault = type(error).__name__
    raise BadInput("unsupported_pixel_format", f"the frame cannot be shown ({fault})", frame)


def _size(ds: Dataset, frame: int, longest_side: int | None) -> tuple[int, int]:
    layout = pixel_layout(ds)
    return picture_size(layout.rows, layout.columns, pixel_aspect(ds, frame), longest_side)


def has_color(stored: StoredFrame) -> bool:
    """Whether a decoded frame is in color, palettes included."""
    return stored.samples.ndim == 3 or stored.photometric == "PALETTE COLOR"


def colors_beside_grays(ds: Dataset, frame: int, stored: StoredFrame) -> list[LookupTable] | None:
    """The supplemental palette that applies to a decoded frame, if any."""
    is_gray = stored.samples.ndim == 2 and stored.samples.dtype.kind in "iu" and not stored.halvings
    return supplemental_palette(ds, frame) if is_gray else None


def _averaged(stored: StoredFrame, size: tuple[int, int], layout: Layout) -> np.ndarray:
    if not stored.halvings:
        return resampled(stored.samples, size)
    covered = (layout.rows / 2**stored.halvings, layout.columns / 2**stored.halvings)
    return resampled(centered(stored.samples, stored.halvings), size, covered)


def _colored(ds: Dataset, stored: StoredFrame, size: tuple[int, int]) -> np.ndarray:
    if stored.photometric == "PALETTE COLOR":
        return resampled(palette_colored(ds, stored.samples), size)
    colors = resampled(eight_bit(stored.samples, stored.bits), size)
    return rgb_of_ybr(colors) if stored.photometric.startswith("YBR") else colors
