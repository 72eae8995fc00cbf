"""The modality values of a frame (PS3.3 C.11.1) in 16 bits, for a client that windows them itself.

Belongs here: the values, the initial window and the presets. The service defines their wire format.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from medsearch_core.dicom.attributes import integer, text
from medsearch_core.dicom.decoding import stored_frame
from medsearch_core.dicom.frames.stored import StoredFrame
from medsearch_core.dicom.geometry import pixel_aspect
from medsearch_core.dicom.grayscale import (
    Window,
    chosen_grays,
    is_low_bright,
    limits,
    modality_transform,
    voi_source,
    windows,
)
from medsearch_core.dicom.padding import real_values
from medsearch_core.dicom.pixels import colors_beside_grays, has_color
from medsearch_core.dicom.quiet import FAULTS
from medsearch_core.dicom.real_world import RealWorldMapping, real_world_mappings
from medsearch_core.dicom.resampling import picture_size, resampled, sampled
from medsearch_core.dicom.units import value_unit
from medsearch_core.errors import BadInput, InvalidQuery

PEAK = 2**16 - 1
PIECE = 2**20
"""Values that are computed at a time, in double precision: all of a large frame at once would take gigabytes."""
MAX_PRESETS = 32
MAX_NAME_LENGTH = 64
"""The maximum length of a preset's name: the limit of an LO attribute (PS3.5 6.2)."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A window of the object, with its WindowCenterWidthExplanation (0028,1055)."""

    name: str | None
    window: Window


@dataclass(frozen=True, slots=True)
class FrameValues:
    """A frame's modality values and how they are shown initially.

    Args:
        stored: uint16 `[rows, columns]`; a modality value is `stored * slope + intercept`.
        slope: above 0. 1 if the values are whole numbers that span at most 16 bits, which are then exact.
        intercept: the lowest value.
        full_size: rows and columns of the full-size image.
        is_low_bright: whether low values are shown bright.
        is_windowed: whether the image is initially shown with `window`; else with a VOI LUT, and `window` is the first one
            to change to.
        window: the object's first, else `percentiles`; its function applies to all windows here.
        percentiles: the window over the frame's values without the extremes.
        full_range: the window over all of the frame's values.
        presets: the object's own windows, in order.
        unit: of the modality values, if they are known to have one.
        real_world: what modality values measure, by the object's own mappings.
    """

    stored: np.ndarray
    slope: float
    intercept: float
    full_size: tuple[int, int]
    is_low_bright: bool
    is_windowed: bool
    window: Window
    percentiles: Window
    full_range: Window
    presets: tuple[Preset, ...]
    unit: str | None = None
    real_world: tuple[RealWorldMapping, ...] = ()


def frame_values(ds: Dataset, frame: int, longest_side: int | None = None) -> FrameValues:
    """The values of a monochrome frame, made square and downsampled as `render_frame` does.

    Args:
        ds: read with its pixels.
        frame: 1-based.
        longest_side: maximum pixels of the longer side; None for full size.

    Raises:
        BadInput: as `check_pixels`, of this frame.
        IndexError: there is no such frame.
        InvalidQuery: it is a color frame, or some of its values are in color.
    """
    stored = stored_frame(ds, frame)
    if has_color(stored) or colors_beside_grays(ds, frame, stored) is not None:
        raise InvalidQuery("a color image has no modality values")
    fault = ""
    try:
        size, aspect = (stored.samples.shape[0], stored.samples.shape[1]), pixel_aspect(ds, frame)
        values = resampled(stored.samples, picture_size(*size, aspect, longest_side))
        with np.errstate(all="ignore"):
            return _described(ds, frame, values, stored, picture_size(*size, aspect, None))
    except FAULTS as error:
        fault = type(error).__name__
    raise BadInput("unsupported_pixel_format", f"the frame cannot be shown ({fault})", frame)


def _described(ds: Dataset, frame: int, values: np.ndarray, decoded: StoredFrame, full_size: tuple[int, int]) -> FrameValues:
    modality = modality_transform(ds, frame)
    reals = modality(real_values(ds, decoded, sampled(decoded.samples)))
    values = modality(values)
    stored, slope, intercept = in_16_bits(values)
    own = windows(ds, frame)
    grays, _ = chosen_grays(ds, frame, values, lambda: reals)
    first = grays.window or (next(iter(own), None) if grays.name == "VOI LUT" else None)
    finite = reals[np.isfinite(reals)]
    usual = "LINEAR" if is_whole(finite) else "LINEAR_EXACT"
    function = next((window.function for window in own if window is not None), usual)
    percentiles = window_over(*limits(finite, is_binary=integer(ds, "BitsStored") == 1), function)
    return FrameValues(
        stored=stored,
        slope=slope,
        intercept=intercept,
        full_size=full_size,
        is_low_bright=is_low_bright(ds),
        is_windowed=grays.name != "VOI LUT",
        window=first or percentiles,
        percentiles=percentiles,
        full_range=window_over(intercept, intercept + slope * float(stored.max()), function),
        presets=tuple(
            Preset(name, window) for name, window in zip(_names(ds, frame, len(own)), own, strict=True) if window is not None
        )[:MAX_PRESETS],
        unit=value_unit(ds, frame),
        real_world=real_world_mappings(ds, frame, modality_transform(ds, frame)).usable,
    )


def in_16_bits(values: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Values as uint16 with their slope and intercept.

    Whole numbers that span at most 16 bits are kept exactly, with a slope of 1; others are rounded to one of 65,536 steps over
    their range. NaN becomes the lowest value, an infinity the end of the range.

    Args:
        values: float32, of any shape.
    """
    flat = values.reshape(-1)
    pieces = [slice(begin, begin + PIECE) for begin in range(0, len(flat), PIECE)]
    finite = (piece[np.isfinite(piece)] for piece in map(flat.__getitem__, pieces))
    told = [(float(piece.min()), float(piece.max()), is_whole(piece)) for piece in finite if len(piece)]
    if not told:
        return np.zeros(values.shape, np.uint16), 1.0, 0.0
    low, high = min(piece[0] for piece in told), max(piece[1] for piece in told)
    is_exact = high - low <= PEAK and all(piece[2] for piece in told)
    slope = 1.0 if is_exact or high == low else (high - low) / PEAK
    stored = np.empty(len(flat), np.uint16)
    for piece in pieces:
        steps = np.rint((flat[piece].astype(np.float64) - low) / slope)
        stored[piece] = np.nan_to_num(steps, nan=0.0).clip(0, PEAK)
    return stored.reshape(values.shape), slope, low


def is_whole(values: np.ndarray) -> bool:
    """Whether all are whole numbers."""
    return bool((values == np.rint(values)).all())


def window_over(low: float, high: float, function: str) -> Window:
    """The window that shows `low` as black and `high` as white; if both are equal, a threshold (C.11.2.1.2)."""
    if function == "LINEAR" or high <= low:
        return Window((low + high) / 2 + 0.5, max(high - low, 0.0) + 1, "LINEAR")
    return Window((low + high) / 2, high - low, function)


def _names(ds: Dataset, frame: int, count: int) -> list[str | None]:
    explained = (text(voi_source(ds, frame), "WindowCenterWidthExplanation") or "").split("\\")
    names = [name.strip()[:MAX_NAME_LENGTH] or None for name in explained[:count]]
    return names + [None] * (count - len(names))
