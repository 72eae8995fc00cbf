"""Pixels that are no part of the image (PS3.3 C.7.5.1.1.2): they do not count for the grays of a frame."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

from medsearch_core.dicom.attributes import integer, number, text
from medsearch_core.dicom.frames.stored import StoredFrame

PADDING = (
    ("PixelPaddingValue", "PixelPaddingRangeLimit"),
    ("FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit"),
    ("DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit"),
)
NEAR, NEGLIGIBLE = 8, 64
"""After lossy compression padding is within an eighth of an image's usual distance from it, of what is not negligibly far."""


def real_values(ds: Dataset, frame: StoredFrame, sample: np.ndarray) -> np.ndarray:
    """A sample of a frame, flattened, without padding and NaN; with padding, if nothing else is left."""
    finite = sample[np.isfinite(sample)] if sample.dtype.kind == "f" else sample.ravel()
    limits = padding(ds, frame)
    if limits is None or not len(finite):
        return finite
    low, high = limits
    around = _blur(finite, low, high) if _is_lossy(ds, frame) else 0.0
    real = finite[(finite < low - around) | (finite > high + around)]
    return real if len(real) else finite


def padding(ds: Dataset, frame: StoredFrame) -> tuple[float, float] | None:
    """The lowest and highest padding value, as pixels hold them; None if the object has none."""
    for keyword, limit in PADDING:
        if (value := number(ds, keyword)) is not None:
            end = number(ds, limit)
            low, high = sorted(_as_stored(ds, frame, each) for each in (value, value if end is None else end))
            return low, high
    return None


def _as_stored(ds: Dataset, frame: StoredFrame, value: float) -> float:
    """A padding value as pixels hold it: one outside their range was written with the other sign, or with unused bits."""
    if frame.samples.dtype.kind == "f":
        return value
    least = -(1 << frame.bits - 1) if frame.samples.dtype.kind == "i" else 0
    found = value
    for bits in (integer(ds, "BitsAllocated") or frame.bits, frame.bits):
        if not least <= found < least + (1 << frame.bits):
            found = value % (1 << bits)
            found -= (1 << bits) if least and found >= 1 << bits - 1 else 0
    return found


def _is_lossy(ds: Dataset, frame: StoredFrame) -> bool:
    return frame.is_lossy or text(ds, "LossyImageCompression") == "01"


def _blur(values: np.ndarray, low: float, high: float) -> float:
    """How far lossy compression may have moved padding."""
    far = np.abs(values.astype(np.float32) - np.float32((low + high) / 2))
    return float(np.median(far[far > far.max() / NEGLIGIBLE])) / NEAR if far.max() > 0 else 0.0
