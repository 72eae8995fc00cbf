"""Drawing on a grid of centimetres: edges, curves, strokes, blurs and noise.

Belongs here: drawing without any anatomy. Whole images are computed only with additions, multiplications, divisions and square
roots, which give identical bits on every machine (IEEE 754), unlike `exp` and similar functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.floating[Any]]
"""float32 unless a computation needs more."""
Line = npt.NDArray[np.float64]
Mark = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Grid:
    """A field in cm: x from the midline to the right of the picture, y down from its top."""

    rows: int
    columns: int
    per_cm: float

    @property
    def x(self) -> Image:
        """float32[1, columns] of cm."""
        return (((np.arange(self.columns) + 0.5) - self.columns / 2) / self.per_cm).astype(np.float32)[None, :]

    @property
    def y(self) -> Image:
        """float32[rows, 1] of cm."""
        return ((np.arange(self.rows) + 0.5) / self.per_cm).astype(np.float32)[:, None]

    def zeros(self) -> Image:
        """An empty picture."""
        return np.zeros((self.rows, self.columns), np.float32)

    def row_of(self, y: float) -> int:
        """The row nearest to a height, kept inside the picture."""
        return min(max(round(y * self.per_cm), 0), self.rows)


def smoothstep(low: float | Image, high: float | Image, value: Image) -> Image:
    """0 below `low`, 1 above `high`, and a smooth ramp between."""
    t = np.clip((value - low) / (high - low), 0, 1).astype(np.float32)
    return t * t * (3 - 2 * t)


def dome(t: Image) -> Image:
    """The thickness of a cylinder or sphere seen from the side: 1 in the middle (t = 0), 0 from the rim (|t| = 1) on."""
    return np.sqrt(np.clip(1 - t * t, 0, 1))


def direction(turns: Line) -> tuple[Line, Line]:
    """Cosine and sine of an angle in turns, by their Taylor series: numpy's own differ in the last bit between processors."""
    angle = (turns - np.rint(turns)) * (2 * np.pi)
    square = angle * angle
    cosine, sine = np.ones_like(angle), np.ones_like(angle)
    for n in range(11, 0, -1):
        cosine = 1 - cosine * square / ((2 * n - 1) * (2 * n))
        sine = 1 - sine * square / ((2 * n) * (2 * n + 1))
    return cosine, angle * sine


def spline(points: Sequence[tuple[float, float]], at: Image) -> Image:
    """A smooth curve through (position, value) points, read at each position; flat outside."""
    xs, ys = np.array(points, np.float64).T
    slopes = np.gradient(ys, xs)
    where = np.clip(at.astype(np.float64), xs[0], xs[-1])
    i = np.clip(np.searchsorted(xs, where) - 1, 0, len(xs) - 2)
    h = xs[i + 1] - xs[i]
    t = (where - xs[i]) / h
    a, b = ys[i], ys[i + 1]
    left, right = (t - 1) ** 2 * (1 + 2 * t), t * t * (3 - 2 * t)
    out = a * left + b * right + h * (slopes[i] * t * (t - 1) ** 2 + slopes[i + 1] * t * t * (t - 1))
    return out.astype(np.float32)


def blur(image: Image, radius: int, passes: int = 2) -> Image:
    """Box blur, repeated: two passes are a triangle, three nearly a Gaussian. Radius in pixels; edges are padded with zero."""
    out: Image = image.astype(np.float32 if radius <= 3 else np.float64)
    for _ in range(passes if radius > 0 else 0):
        out = _box(_box(out, radius).T, radius).T
    return np.ascontiguousarray(out, np.float32)


def _box(image: Image, radius: int) -> Image:
    """Means over 2 * radius + 1 rows: a few additions for a small radius, differences of running totals for a large one."""
    rows, width = image.shape[0], 2 * radius + 1
    if radius > 3:
        total = np.cumsum(np.pad(image, ((radius + 1, radius), (0, 0))), axis=0)
        return (total[width:] - total[:rows]) / width
    padded = np.pad(image, ((radius, radius), (0, 0)))
    out = padded[:rows].copy()
    for shift in range(1, width):
        out += padded[shift : shift + rows]
    return out / width


def splat(grid: Grid, x: Line, y: Line, weight: Line) -> Image:
    """Adds weights at points (cm), ready for a blur."""
    column = np.floor(x * grid.per_cm + grid.columns / 2).astype(np.int64)
    row = np.floor(y * grid.per_cm).astype(np.int64)
    inside = (column >= 0) & (column < grid.columns) & (row >= 0) & (row < grid.rows)
    flat = (row * grid.columns + column)[inside]
    total = np.bincount(flat, weights=weight[inside], minlength=grid.rows * grid.columns)
    return total.reshape(grid.rows, grid.columns).astype(np.float32)


def band(grid: Grid, out: Image, course: Image, half_width: float, strength: Image, rim: float) -> None:
    """Adds a bone that runs across the picture: `course[1, columns]` is its height (cm) at each column.

    `strength[1, columns]` is its density, 0 where it is absent; `rim` is how much brighter its cortex is than its inside.
    """
    columns = np.flatnonzero(strength[0] > 0)
    if not columns.size:
        return
    span = slice(int(columns[0]), int(columns[-1]) + 1)
    line, amount = course[:, span], strength[:, span]
    top, bottom = grid.row_of(float(line.min()) - 4 * half_width), grid.row_of(float(line.max()) + 4 * half_width)
    if top >= bottom or span.stop - span.start < 3:
        return
    slope = np.gradient(line[0].astype(np.float64)).astype(np.float32)[None, :] * np.float32(grid.per_cm)
    away = np.abs(grid.y[top:bottom] - line) / (half_width * np.sqrt(1 + slope * slope))
    flesh = smoothstep(1.12, 0.86, away)
    cortex = smoothstep(0.45, 0.95, away) * flesh
    out[top:bottom, span] += amount * (flesh * (1 - rim) + cortex * rim)


def cloud(grid: Grid, rng: np.random.Generator, size_cm: float) -> Image:
    """Smooth noise whose lumps are about `size_cm` wide, mean 0, deviation about 1."""
    step = max(int(size_cm * grid.per_cm), 1)
    rows, columns = grid.rows // step + 3, grid.columns // step + 3
    coarse = rng.standard_normal((rows, columns)).astype(np.float32)
    return 1.5 * enlarge(coarse, grid.rows, grid.columns, 1 / step)


def enlarge(image: Image, rows: int, columns: int, step: float) -> Image:
    """Reads an image at every `step` of its pixels, easing between them."""
    return _along(_along(image, rows, step, 0, True).T, columns, step, 0, True).T


def resample(image: Image, rows: int, columns: int, step: float, top: float, left: float) -> Image:
    """Reads an image at every `step` of its pixels from (top, left) on; bilinear, and its border beyond its border."""
    return np.ascontiguousarray(_along(_along(image, rows, step, top, False).T, columns, step, left, False).T)


def _along(image: Image, count: int, step: float, start: float, ease: bool) -> Image:
    position = np.clip(start + np.arange(count) * step, 0, image.shape[0] - 1)
    first = np.minimum(position.astype(np.int64), image.shape[0] - 2)
    t = (position - first).astype(np.float32)[:, None]
    if ease:
        t = t * t * (3 - 2 * t)
    return image[first] * (1 - t) + image[first + 1] * t
