"""Frames made smaller, and pixels made square. Deterministic, by area, in float32 or 8 bits; no windowing here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

SAMPLE_SIDE = 512
STRIP, TOGETHER = 16, 4
"""Rows of a smaller picture for which the frame's own are made float at once, and those of them that one product gives."""
ROUNDING = np.float32(2**-20)
"""What the two sums of a mean may be off by, relative to it."""


def picture_size(rows: int, columns: int, aspect: float, longest_side: int | None) -> tuple[int, int]:
    """Rows and columns of the picture of a frame.

    Pixels that are not square are stretched along their longer side, so that no line or column is lost. A picture whose
    longer side is over `longest_side` is scaled down to it; a smaller one is not enlarged.
    """
    height, width = rows * max(aspect, 1.0), columns * max(1 / aspect, 1.0)
    scale = min(1.0, longest_side / max(height, width)) if longest_side else 1.0
    return max(1, round(height * scale)), max(1, round(width * scale))


def resampled(frame: np.ndarray, size: tuple[int, int], covered: tuple[float, float] | None = None) -> np.ndarray:
    """A frame in another size.

    Args:
        frame: `[rows, columns]` of any number, or `[rows, columns, 3]` uint8.
        size: rows and columns wanted.
        covered: rows and columns of a gray frame that they are of, where its last ones reach over the picture's edge.

    Returns:
        float32 `[rows, columns]`, or uint8 `[rows, columns, 3]`. Each pixel is the mean of the area that it covers; where an
        axis is stretched, both are interpolated linearly instead.
    """
    rows, columns = frame.shape[:2]
    if (rows, columns) == size:
        return frame.astype(np.float32, copy=False) if frame.ndim == 2 else frame
    stretches = size[0] > rows or size[1] > columns
    if frame.ndim == 2 and not stretches:
        return area_means(frame, size, covered or (rows, columns))
    source = frame.astype(np.float32, copy=False) if frame.ndim == 2 else np.ascontiguousarray(frame)
    bottom, right = covered or (rows, columns)
    box = (0.0, 0.0, min(right, columns), min(bottom, rows))
    method = Image.Resampling.BILINEAR if stretches else Image.Resampling.BOX
    gap = 2.0 if frame.ndim == 3 else None
    return np.asarray(Image.fromarray(source).resize((size[1], size[0]), method, box, reducing_gap=gap))


def area_means(frame: np.ndarray, size: tuple[int, int], covered: tuple[float, float]) -> np.ndarray:
    """The means of the areas under each pixel of a smaller picture, parts of pixels counted by their share.

    Args:
        frame: `[rows, columns]` of any number.
        size: rows and columns wanted, no more than the frame has.
        covered: rows and columns of the frame that they are of, no more than it has.

    Returns:
        float32 `[rows, columns]`. Where the frame is flat, and a whole number, so are they: what float32 adds or loses would
        show at a window's edge. What is no number, or infinite, stays within the pixels that lie over it.
    """
    together = TOGETHER if frame.dtype.kind != "f" or np.isfinite(frame).all() else 1
    narrow = _row_means(frame, size[0], min(covered[0], frame.shape[0]), together)
    means = np.ascontiguousarray(_row_means(narrow.T, size[1], min(covered[1], frame.shape[1]), together).T)
    whole = np.rint(means)
    with np.errstate(invalid="ignore"):  # of what is infinite
        np.copyto(means, whole, where=np.abs(means - whole) <= ROUNDING * np.abs(whole))
    return means


def _row_means(frame: np.ndarray, count: int, covered: float, together: int) -> np.ndarray:
    """So many means of rows, float32; a strip of the frame that stays in a cache is read, and made float, at a time."""
    means = np.empty((count, frame.shape[1]), np.float32)
    for strip in _strips(len(frame), count, covered, together):
        begin, end = strip[0].begin, strip[-1].end
        part = frame[begin:end].astype(np.float32, copy=False)
        for few in strip:
            np.matmul(few.weights, part[few.begin - begin : few.end - begin], out=means[few.first : few.last])
    return means


@dataclass(frozen=True, slots=True)
class _Few:
    """The means `first:last` are those of the rows `begin:end`, by their weights `[last - first, end - begin]`."""

    first: int
    last: int
    begin: int
    end: int
    weights: np.ndarray


@lru_cache(maxsize=16)
def _strips(rows: int, count: int, covered: float, together: int) -> list[list[_Few]]:
    """How `count` means over `covered` of so many rows are made, `together` of them by one product, `STRIP` from one strip."""
    height = covered / count
    few = []
    for first in range(0, count, together):
        last = min(first + together, count)
        begin, end = int(first * height), min(math.ceil(last * height), rows)
        tops, pixels = np.arange(first, last)[:, None] * height, np.arange(begin, end)
        shares = np.maximum(np.minimum(tops + height, pixels + 1) - np.maximum(tops, pixels), 0.0)
        weights = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
        few.append(_Few(first, last, begin, end, weights))
    a_strip = max(1, STRIP // together)
    return [few[n : n + a_strip] for n in range(0, len(few), a_strip)]


def centered(low_pass: np.ndarray, halvings: int) -> np.ndarray:
    """The low-pass samples of a wavelet transform, moved to the middle of the pixels that they stand for.

    After n halvings a sample lies on the first of 2ⁿ rows and columns (ISO 15444-1 F.3); linear interpolation moves it.

    Args:
        low_pass: `[rows, columns]` of any number.

    Returns:
        float32 likewise.
    """
    share = np.float32(0.5 - 0.5 / 2**halvings)
    moved = low_pass.astype(np.float32)
    moved[:-1] += share * (moved[1:] - moved[:-1])
    moved[:, :-1] += share * (moved[:, 1:] - moved[:, :-1])
    return moved


def sampled(frame: np.ndarray) -> np.ndarray:
    """Every n-th row and column, at most `SAMPLE_SIDE` of each: enough for percentiles, and never an average."""
    rows, columns = frame.shape[:2]
    return frame[:: -(-rows // SAMPLE_SIDE), :: -(-columns // SAMPLE_SIDE)]
