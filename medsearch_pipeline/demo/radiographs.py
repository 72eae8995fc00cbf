"""Synthetic chest radiographs: a body, its findings and a view in, stored pixel values out.

Belongs here: exposure, positioning, noise and the lead marker. Every image is determined by its arguments, and the anatomy
is the same with and without findings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from medsearch_pipeline.demo.canvas import Grid, Image, blur, cloud, resample
from medsearch_pipeline.demo.cases import Finding, Physique, View, stream
from medsearch_pipeline.demo.chest import Chest
from medsearch_pipeline.demo.findings import add_finding
from medsearch_pipeline.demo.frontal import draw_frontal
from medsearch_pipeline.demo.lateral import draw_lateral
from medsearch_pipeline.demo.marker import MARKERS

LARGEST = 4095
"""12 bits stored."""
FRONTAL_GRID, LATERAL_GRID = Grid(462, 484, 10.5), Grid(462, 400, 10.5)
ENLARGED_HEART = {"small": 0.57, "moderate": 0.63, "large": 0.70}


@dataclass(frozen=True)
class Radiograph:
    """One exposure: uint16 pixels of 0..4095, bright where dense, and whether bones were subtracted."""

    pixels: npt.NDArray[np.uint16]
    pixel_spacing_mm: float


def draw(
    body: Physique, findings: Sequence[Finding], view: View, seed: int, *names: str | int, bones: float = 1.0
) -> Radiograph:
    """The radiograph of a body with findings.

    Args:
        names: identify this exposure among others of the same seed.
        bones: 1 for an ordinary exposure, 0 for the soft-tissue image of a dual-energy pair.
    """
    chest = _anatomy(body, findings, view, stream(seed, *names, "anatomy"))
    for finding in findings:
        add_finding(chest, finding, view, stream(seed, *names, finding.kind, finding.side))
    density = _project(chest, bones, stream(seed, *names, "texture"))
    return _expose(density, chest.grid, view, body, stream(seed, *names, "exposure"))


def _anatomy(body: Physique, findings: Sequence[Finding], view: View, rng: np.random.Generator) -> Chest:
    heart = max([body.heart, *(ENLARGED_HEART[f.size] for f in findings if f.kind == "cardiomegaly")])
    if view == "LATERAL":
        return draw_lateral(LATERAL_GRID, body, heart, rng)
    return draw_frontal(FRONTAL_GRID, body, heart, view == "AP", rng)


def _project(chest: Chest, bones: float, rng: np.random.Generator) -> Image:
    air = np.clip(chest.air, 0, 1.25)
    grain = 0.6 * cloud(chest.grid, rng, 0.16) + 0.5 * cloud(chest.grid, rng, 0.35) + 0.5 * cloud(chest.grid, rng, 0.9)
    lung = 0.62 * air - (0.016 * grain + 0.9 * chest.vessels) * np.minimum(air * 1.6, 1)
    return np.clip(chest.body - lung + chest.fluid + bones * chest.bone, 0, None)


def _expose(density: Image, grid: Grid, view: View, body: Physique, rng: np.random.Generator) -> Radiograph:
    height = int(rng.integers(512, 640)) * 2
    tall = rng.uniform(37.5, 41.5) * (0.5 + 0.5 * body.lung_height / 22)
    wide = tall * (rng.uniform(0.86, 1.0) if view != "LATERAL" else rng.uniform(0.68, 0.80))
    width = round(height * wide / tall / 2) * 2
    scatter = blur(density, 40, 2)
    veil = density * (0.90 - 0.10 * body.fat) + scatter * (0.10 + 0.10 * body.fat)
    turned = _position(veil, grid, rng.normal(0, 0.5), rng.uniform(0.6, 2.0), rng.normal(0, 0.016))
    step = tall / height * grid.per_cm
    left = max((grid.columns - width * step) / 2, 0.0)
    seen = resample(turned, height, width, step, 0.0, left)
    gain, knee = rng.uniform(0.92, 1.08), rng.uniform(0.30, 0.50)
    seen = np.clip(seen, 0, None) * np.float32(gain)
    dense = np.minimum(seen / np.float32(1.55), 1.1)
    tone = dense * (1 + np.float32(knee) * (1 - dense))
    noise = rng.standard_normal((height, width), np.float32)
    noise = (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1)) * np.float32(0.0045 if view == "PA" else 0.0065)
    level = 150 + 3300 * tone + 3000 * noise * (0.4 + np.clip(tone, 0, 1))
    _stamp_marker(level, view, rng)
    _collimate(level, rng)
    return Radiograph(np.rint(np.clip(level, 0, LARGEST)).astype(np.uint16), round(10 * tall / height, 4))


def _position(image: Image, grid: Grid, dx: float, dy: float, turn: float) -> Image:
    """The drawing, turned by a small angle and moved by (dx, dy) cm. Bilinear."""
    across = grid.x * grid.per_cm
    down = grid.y * grid.per_cm
    x = across + np.float32(grid.columns / 2 - 0.5 - dx * grid.per_cm) - np.float32(turn) * (down - grid.rows / 2)
    y = down + np.float32(dy * grid.per_cm - 0.5) + np.float32(turn) * across
    x, y = np.clip(x, 0, grid.columns - 1.01), np.clip(y, 0, grid.rows - 1.01)
    column, row = x.astype(np.int64), y.astype(np.int64)
    tx, ty = x - column.astype(np.float32), y - row.astype(np.float32)
    flat, first = image.ravel(), row * grid.columns + column
    top = flat[first] * (1 - tx) + flat[first + 1] * tx
    low = flat[first + grid.columns] * (1 - tx) + flat[first + grid.columns + 1] * tx
    return top * (1 - ty) + low * ty


def _stamp_marker(level: Image, view: View, rng: np.random.Generator) -> None:
    """A lead letter at the patient's side: L at the right of a frontal picture, R at its left."""
    letter = "R" if view != "LATERAL" and rng.random() < 0.4 else "L"
    size = max(level.shape[0] // 230, 3)
    glyph = np.kron(MARKERS[letter], np.ones((size, size), np.float32))
    rows, columns = glyph.shape
    edge = int(level.shape[1] * rng.uniform(0.03, 0.07))
    left = edge if letter == "R" else level.shape[1] - edge - columns
    top = int(level.shape[0] * rng.uniform(0.03, 0.10))
    spot = level[top : top + rows, left : left + columns]
    spot += (3700 - spot) * blur(glyph, max(size // 3, 1))


def _collimate(level: Image, rng: np.random.Generator) -> None:
    """Some fields are smaller than the detector: a dark frame on one or two sides."""
    if rng.random() < 0.35:
        side, thick = int(rng.integers(0, 4)), int(level.shape[0] * rng.uniform(0.01, 0.035))
        frame = np.rot90(level, side)
        frame[:thick] = 60 + 0.05 * frame[:thick]
