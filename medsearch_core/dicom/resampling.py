"""Frames made smaller, and pixels made square. Deterministic, by area, in float32 or 8 bits; no windowing here."""

from __future__ import annotations

import numpy as np
from PIL import Image

SAMPLE_SIDE = 512


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
    if frame.ndim == 2:
        if (rows, columns) == size:
            return frame.astype(np.float32, copy=False)
        factors = max(1, rows // (2 * size[0])), max(1, columns // (2 * size[1]))
        image = Image.fromarray(block_means(frame, factors))
        bottom, right = covered or (rows, columns)
        box = (0.0, 0.0, min(right / factors[1], image.width), min(bottom / factors[0], image.height))
    else:
        if (rows, columns) == size:
            return frame
        image, box = Image.fromarray(np.ascontiguousarray(frame)), (0.0, 0.0, float(columns), float(rows))
    stretches = size[0] > rows or size[1] > columns
    method = Image.Resampling.BILINEAR if stretches else Image.Resampling.BOX
    return np.asarray(image.resize((size[1], size[0]), method, box, reducing_gap=2.0 if frame.ndim == 3 else None))


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


def block_means(frame: np.ndarray, factors: tuple[int, int]) -> np.ndarray:
    """Means over blocks of rows and columns, float32 `[ceil(rows / r), ceil(columns / c)]`; one pass over the frame."""
    return _means(_means(frame, factors[0], 0), factors[1], 1)


def _means(frame: np.ndarray, factor: int, axis: int) -> np.ndarray:
    if factor == 1:
        return frame.astype(np.float32, copy=False)
    whole = frame.shape[axis] // factor * factor
    rest = frame[whole:] if axis == 0 else frame[:, whole:]
    parts = [frame[n:whole:factor] if axis == 0 else frame[:, n:whole:factor] for n in range(factor)]
    sums = np.add(parts[0], parts[1], dtype=np.float32)
    for part in parts[2:]:
        sums += part
    sums /= np.float32(factor)
    return np.concatenate([sums, rest.mean(axis, np.float32, keepdims=True)], axis) if rest.size else sums


def sampled(frame: np.ndarray) -> np.ndarray:
    """Every n-th row and column, about `SAMPLE_SIDE` of each: enough for percentiles, and never an average."""
    rows, columns = frame.shape[:2]
    return frame[:: max(1, rows // SAMPLE_SIDE), :: max(1, columns // SAMPLE_SIDE)]
