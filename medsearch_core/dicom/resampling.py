"""Downsampling frames by area means, and making pixels square. Deterministic, in float32 or 8 bits; no windowing here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

SAMPLE_SIDE = 512
STRIP, TOGETHER = 16, 4
"""Output rows whose input rows are converted to float together, and output rows per matrix product."""
ROUNDING = np.float32(2**-20)
"""The maximum relative error of a mean's two sums."""


def picture_size(rows: int, columns: int, aspect: float, longest_side: int | None) -> tuple[int, int]:
    """Rows and columns of the image of a frame.

    Non-square pixels are stretched along their longer side, so that no row or column is lost. An image whose longer side
    exceeds `longest_side` is scaled down to it; a smaller one is not enlarged.
    """
    height, width = rows * max(aspect, 1.0), columns * max(1 / aspect, 1.0)
    scale = min(1.0, longest_side / max(height, width)) if longest_side else 1.0
    return max(1, round(height * scale)), max(1, round(width * scale))


def resampled(frame: np.ndarray, size: tuple[int, int], covered: tuple[float, float] | None = None) -> np.ndarray:
    """A frame resized.

    Args:
        frame: `[rows, columns]` of any number type, or `[rows, columns, 3]` uint8.
        size: rows and columns of the result.
        covered: rows and columns of a gray frame that the result covers, if its last ones extend past the image's edge.

    Returns:
        float32 `[rows, columns]`, or uint8 `[rows, columns, 3]`. Each pixel is the mean of the area that it covers; if an
        axis is stretched, both axes are interpolated linearly instead.
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
    """The mean of the area under each pixel of a smaller image, with partial pixels weighted by their share.

    Args:
        frame: `[rows, columns]` of any number type.
        size: rows and columns of the result, at most those of the frame.
        covered: rows and columns of the frame that the result covers, at most those of the frame.

    Returns:
        float32 `[rows, columns]`. Constant areas of a whole number keep exactly that number: rounding errors would show at a
        window's edge. NaN and infinities affect only the pixels that cover them.
    """
    together = TOGETHER if frame.dtype.kind != "f" or np.isfinite(frame).all() else 1
    narrow = _row_means(frame, size[0], min(covered[0], frame.shape[0]), together)
    means = np.ascontiguousarray(_row_means(narrow.T, size[1], min(covered[1], frame.shape[1]), together).T)
    whole = np.rint(means)
    with np.errstate(invalid="ignore"):  # of what is infinite
        np.copyto(means, whole, where=np.abs(means - whole) <= ROUNDING * np.abs(whole))
    return means


def _row_means(frame: np.ndarray, count: int, covered: float, together: int) -> np.ndarray:
    """`count` means of rows, float32; reads the frame by strips that fit in cache and converts each to float."""
    means = np.empty((count, frame.shape[1]), np.float32)
    for strip in _strips(len(frame), count, covered, together):
        begin, end = strip[0].begin, strip[-1].end
        part = frame[begin:end].astype(np.float32, copy=False)
        for few in strip:
            np.matmul(few.weights, part[few.begin - begin : few.end - begin], out=means[few.first : few.last])
    return means


@dataclass(frozen=True, slots=True)
class _Few:
    """The means `first:last` come from the rows `begin:end`, with weights `[last - first, end - begin]`."""

    first: int
    last: int
    begin: int
    end: int
    weights: np.ndarray


@lru_cache(maxsize=16)
def _strips(rows: int, count: int, covered: float, together: int) -> list[list[_Few]]:
    """The plan for `count` means over `covered` rows: `together` of them per matrix product, `STRIP` per strip."""
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
    """The low-pass samples of a wavelet transform, shifted to the centers of the pixels that they represent.

    After n halvings a sample is located at the first of 2ⁿ rows and columns (ISO 15444-1 F.3); linear interpolation shifts it.

    Args:
        low_pass: `[rows, columns]` of any number type.

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
