"""Gray frames of which a range of stored values is in color: supplemental palettes (PS3.3 C.7.6.19, C.8.16.2.1.1.1)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydicom.dataset import Dataset

from medsearch_core.dicom.attributes import text, value
from medsearch_core.dicom.color import looked_up, palette
from medsearch_core.dicom.frames.frame_type import pixel_presentation
from medsearch_core.dicom.frames.stored import StoredFrame
from medsearch_core.dicom.grayscale import Grays, Window, gray
from medsearch_core.dicom.lookup_tables import LookupTable
from medsearch_core.errors import BadInput

IN_COLOR = ("COLOR", "MIXED")
"""PixelPresentation of a frame that has such values; MIXED, of the object, says that some frames have."""


def has_supplemental_palette(ds: Dataset, frame: int) -> bool:
    """Whether a frame (1-based) is said to have values in color, and its object has a palette, be it usable or not."""
    is_gray = (text(ds, "PhotometricInterpretation") or "").upper() == "MONOCHROME2"
    has_palette = value(ds, "RedPaletteColorLookupTableDescriptor") is not None
    return is_gray and has_palette and pixel_presentation(ds, frame) in IN_COLOR


def supplemental_palette(ds: Dataset, frame: int) -> list[LookupTable] | None:
    """The tables of red, green and blue; None if the frame has none that can be used. It is then shown in grays alone."""
    if not has_supplemental_palette(ds, frame):
        return None
    try:
        return palette(ds)
    except BadInput:
        return None


def in_color(stored: StoredFrame, tables: list[LookupTable]) -> np.ndarray:
    """Which samples are in color: those from the first value mapped on. bool `[rows, columns]`."""
    mask: np.ndarray = stored.samples >= tables[0].first
    return mask


def partly_colored(
    ds: Dataset,
    frame: int,
    stored: StoredFrame,
    tables: list[LookupTable],
    window: Window | None = None,
    *,
    is_inverted: bool = False,
) -> tuple[np.ndarray, Grays | None]:
    """A frame in full size: samples below the first value mapped in grays, as `gray` shows them, the others by the palette.

    Grays are chosen for the gray samples alone.

    Args:
        stored: the decoded frame, one integer for each pixel.
        window: of the gray samples.
        is_inverted: whether to invert the grays; colors stay.

    Returns:
        uint8 `[rows, columns, 3]`, and the chosen grays, as `gray`; None also if no sample is gray.
    """
    mask = in_color(stored, tables)
    picture = np.empty((*stored.samples.shape, 3), np.uint8)
    picture[mask] = looked_up(tables, stored.samples[mask])
    grays = None
    if not mask.all():
        column = stored.samples[~mask][:, np.newaxis]
        levels, grays = gray(
            ds,
            frame,
            column.astype(np.float32),
            replace(stored, samples=column),
            window,
            is_inverted=is_inverted,
            may_be_flat=bool(mask.any()),
        )
        picture[~mask] = levels
    return picture, grays
