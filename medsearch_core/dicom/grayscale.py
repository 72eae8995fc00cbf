"""Stored values to 8 bits of gray: modality, value of interest, presentation (PS3.3 C.11.1, C.11.2, C.11.6; PS3.4 N.2).

Presentation states and real world values are not applied.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from pydicom.dataset import Dataset

from medsearch_core.dicom.attributes import functional_group, integer, item, numbers, text
from medsearch_core.dicom.frames.stored import StoredFrame
from medsearch_core.dicom.lookup_tables import lookup_table
from medsearch_core.dicom.padding import real_values
from medsearch_core.dicom.resampling import sampled
from medsearch_core.dicom.transforms import Modality, Ramp, Sigmoid, TableLevels, Transform
from medsearch_core.errors import InvalidQuery

PERCENTILES = (0.5, 99.5)
FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


@dataclass(frozen=True, slots=True)
class Window:
    """A window over the modality's values (Hounsfield units, say; stored values where there is no modality transform).

    Args:
        center: WindowCenter (0028,1050).
        width: WindowWidth (0028,1051); at least 1 for LINEAR, above 0 for the others (PS3.3 C.11.2.1.2.1).
        function: VOILUTFunction (0028,1056), one of `FUNCTIONS`.

    Raises:
        InvalidQuery: it is not a valid window.
    """

    center: float
    width: float
    function: str = "LINEAR"

    def __post_init__(self) -> None:
        if self.function not in FUNCTIONS:
            raise InvalidQuery(f"the window's function is none of {', '.join(FUNCTIONS)}")
        if not math.isfinite(self.center) or not math.isfinite(self.width):
            raise InvalidQuery("the window's center and width must be numbers")
        if self.width <= 0 or (self.function == "LINEAR" and self.width < 1):
            raise InvalidQuery("the window's width must be at least 1, or above 0 for LINEAR_EXACT and SIGMOID")

    def transform(self) -> Transform:
        """The modality's values to 0…255 (C.11.2.1.2, C.11.2.1.3)."""
        if self.function == "SIGMOID":
            return Sigmoid(self.center, self.width)
        if self.function == "LINEAR_EXACT":
            return Ramp(self.center - self.width / 2, self.center + self.width / 2)
        return Ramp(self.center - 0.5 - (self.width - 1) / 2, self.center - 0.5 + (self.width - 1) / 2)


@dataclass(frozen=True, slots=True)
class Grays:
    """A choice of grays.

    Args:
        name: `VOI LUT`, `window 1` or a later one, or `percentiles`.
        transform: the modality's values to 0…255.
        window: of `transform`, if it is one.
    """

    name: str
    transform: Transform
    window: Window | None = None


def gray(
    ds: Dataset,
    frame: int,
    values: np.ndarray,
    stored: StoredFrame,
    window: Window | None = None,
    *,
    is_inverted: bool = False,
    may_be_flat: bool = False,
) -> tuple[np.ndarray, Grays | None]:
    """A monochrome frame as an 8-bit image.

    The given window applies, else what `chosen_grays` chooses. MONOCHROME1 or PresentationLUTShape INVERSE makes low values
    bright; both together count once. `is_inverted` inverts the result.

    Args:
        ds: the object.
        frame: 1-based.
        values: float32 `[rows, columns]` stored values, averaged to the size of the image.
        stored: the decoded frame, from a sample of which percentiles are taken.
        window: replaces the object's own VOI LUT or window.
        is_inverted: whether to invert the grays.
        may_be_flat: as for `chosen_grays`.

    Returns:
        uint8 `[rows, columns]`, and the chosen grays; None with a given window. NaN pixels are shown as the
        lowest value, and so is all of a constant frame without a window.
    """
    with np.errstate(all="ignore"):
        modality = modality_transform(ds, frame)
        shown = modality(values)
        if window:
            grays, levels = None, window.transform()(shown)
        else:
            reals = partial(_reals, ds, stored, modality)
            grays, levels = chosen_grays(ds, frame, shown, reals, may_be_flat=may_be_flat)
        levels = np.nan_to_num(levels, nan=0.0)
    if is_low_bright(ds) != is_inverted:
        levels = np.float32(255) - levels
    return (levels + np.float32(0.5)).astype(np.uint8), grays


def _reals(ds: Dataset, stored: StoredFrame, modality: Modality) -> np.ndarray:
    return modality(real_values(ds, stored, sampled(stored.samples)))


def chosen_grays(
    ds: Dataset, frame: int, values: np.ndarray, real: Callable[[], np.ndarray], *, may_be_flat: bool = False
) -> tuple[Grays, np.ndarray]:
    """The grays of a frame, and its levels in them.

    The first VOI LUT, else the first window of the object, or the next one that shows anything at all; else percentiles 0.5
    and 99.5 of the frame without its padding (minimum and maximum, if those are equal).

    Args:
        values: the modality's values.
        real: yields a sample of them without padding.
        may_be_flat: whether the first one is chosen though it shows nothing, because other values of the frame are in color.
    """
    for grays in own_grays(ds, frame):
        levels = grays.transform(values)
        if may_be_flat or not _is_flat(levels) or _is_flat(values):
            return grays, levels
    low, high = limits(real(), is_binary=integer(ds, "BitsStored") == 1)
    grays = Grays("percentiles", Ramp(low, high))
    return grays, grays.transform(values)


def own_grays(ds: Dataset, frame: int) -> list[Grays]:
    """The usable grays of the object, in the order in which they are tried."""
    table = voi_lut(ds, frame)
    found = [] if table is None else [Grays("VOI LUT", table)]
    own = enumerate(windows(ds, frame), 1)
    return found + [Grays(f"window {n}", window.transform(), window) for n, window in own if window is not None]


def _is_flat(values: np.ndarray) -> bool:
    return not values.size or bool(values.min() == values.max())


def is_low_bright(ds: Dataset) -> bool:
    """Whether low values are shown bright: MONOCHROME1 or PresentationLUTShape INVERSE; both together count once."""
    is_inverse = text(ds, "PresentationLUTShape") == "INVERSE"
    return is_inverse or (text(ds, "PhotometricInterpretation") or "").upper() == "MONOCHROME1"


def modality_transform(ds: Dataset, frame: int) -> Modality:
    """Stored values to the modality's: the LUT, else slope and intercept, the frame's own first (C.11.1, C.7.6.16.2.9).

    A slope of 0 would make the image constant and is treated as 1.
    """
    sequence, table = item(ds, "ModalityLUTSequence"), None
    if sequence is not None:
        table = lookup_table(sequence, "LUTDescriptor", "LUTData", is_little=_is_little(ds), may_be_signed=_is_signed(ds))
    source = functional_group(ds, frame, "PixelValueTransformationSequence") or ds
    return Modality(_first(source, "RescaleSlope", 1.0), _first(source, "RescaleIntercept", 0.0), table)


def voi_lut(ds: Dataset, frame: int) -> TableLevels | None:
    """Values through the first VOI LUT, to 0…255 (C.11.2.1.1); None if there is no usable one."""
    sequence = item(voi_source(ds, frame), "VOILUTSequence")
    if sequence is None:
        return None
    is_negative = bool(_first(ds, "RescaleIntercept", 0.0) < 0)
    table = lookup_table(
        sequence, "LUTDescriptor", "LUTData", is_little=_is_little(ds), may_be_signed=is_negative or _is_signed(ds)
    )
    return None if table is None else TableLevels(table)


def windows(ds: Dataset, frame: int) -> list[Window | None]:
    """The windows of the object, or of the frame, in order; None for one with an invalid width.

    An unknown VOILUTFunction is treated as LINEAR.
    """
    source = voi_source(ds, frame)
    centers, widths = numbers(source, "WindowCenter") or [], numbers(source, "WindowWidth") or []
    function = (text(source, "VOILUTFunction") or "LINEAR").upper()
    return [_window(*pair, function if function in FUNCTIONS else "LINEAR") for pair in zip(centers, widths, strict=False)]


def voi_source(ds: Dataset, frame: int) -> Dataset:
    """Where the frame's windows and VOI LUTs are: its own functional group, else the object."""
    return functional_group(ds, frame, "FrameVOILUTSequence") or ds


def _window(center: float, width: float, function: str) -> Window | None:
    try:
        return Window(center, width, function)
    except InvalidQuery:
        return None


def limits(real: np.ndarray, *, is_binary: bool = False) -> tuple[float, float]:
    """The limits of a window over these values. 1-bit values need none: 0 is black and 1 is white, however rare."""
    if is_binary or not len(real):
        return 0.0, 1.0
    ordered = np.sort(real)  # five times faster than numpy.percentile for two percentiles
    low, high = (_between_two(ordered, percentile / 100 * (len(ordered) - 1)) for percentile in PERCENTILES)
    return (low, high) if high > low else (float(ordered[0]), float(ordered[-1]))


def _between_two(ordered: np.ndarray, at: float) -> float:
    """The value at a fractional index, by linear interpolation."""
    before, share = int(at), at % 1
    return float(ordered[before]) * (1 - share) + float(ordered[min(before + 1, len(ordered) - 1)]) * share


def _first(ds: Dataset, keyword: str, default: float) -> np.float32:
    """The first value, though there may only be one (PS3.6); the default, if it is 0, none or beyond what a float32 holds."""
    with np.errstate(over="ignore"):
        value = np.float32((numbers(ds, keyword) or [0.0])[0])
    return value if value and np.isfinite(value) else np.float32(default)


def _is_little(ds: Dataset) -> bool:
    return ds.original_encoding[1] is not False


def _is_signed(ds: Dataset) -> bool:
    return integer(ds, "PixelRepresentation") == 1
