"""Disease, drawn into the layers of a chest.

Belongs here: how each finding changes aeration, vessels and density. Cardiomegaly is anatomy (a wider silhouette), so it is
drawn with the heart.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from medsearch_pipeline.demo.canvas import Image, blur, cloud, dome, smoothstep
from medsearch_pipeline.demo.cases import Finding, View
from medsearch_pipeline.demo.chest import Chest, Lung, outline


def add_finding(chest: Chest, finding: Finding, view: View, rng: np.random.Generator) -> None:
    """Draws one finding."""
    draw = DRAWN.get(finding.kind)
    if draw:
        draw(chest, chest.lung(finding.side), finding, rng, view == "LATERAL")


def _opacify(chest: Chest, amount: Image, density: float) -> None:
    """Replaces aerated lung by fluid or tissue."""
    chest.air *= 1 - amount
    chest.vessels *= 1 - 0.8 * amount
    chest.fluid += density * amount


def _side_of(chest: Chest, lung: Lung, lateral: bool) -> Image:
    """0..1: this lung's side of the picture."""
    return np.ones((1, 1), np.float32) if lateral else smoothstep(-0.4, 0.4, lung.across)


def _effusion(chest: Chest, lung: Lung, finding: Finding, rng: np.random.Generator, lateral: bool) -> None:
    """Fluid in the pleural space: level at the bottom, rising at the wall to a meniscus."""
    height = lung.base - lung.apex
    surface = {
        "small": lung.base - rng.uniform(1.6, 2.4),
        "moderate": lung.base - height * rng.uniform(0.27, 0.35),
        "large": lung.base - height * rng.uniform(0.50, 0.62),
    }[finding.size]
    climb = {"small": 3.2, "moderate": 4.0, "large": 5.0}[finding.size]
    near = 1 - np.clip(lung.wall / (4.2 if finding.size == "small" else 6.5), 0, 1)
    level = surface - climb * near * near
    if not lateral:
        level = level - 0.8 * (1 - np.clip(lung.medial / 3.0, 0, 1)) ** 2
    soft = 0.9 if finding.size == "small" else 1.6
    fluid = smoothstep(-0.15, soft, chest.grid.y - level) * smoothstep(-0.5, 0.0, lung.wall) * _side_of(chest, lung, lateral)
    _opacify(chest, (0.78 if lateral else 1.0) * fluid, 0.07)


def _pneumothorax(chest: Chest, lung: Lung, finding: Finding, rng: np.random.Generator, lateral: bool) -> None:
    """Air around a retracted lung: a thin pleural line, and beyond it no lung markings."""
    depth = {"small": 1.7, "moderate": 3.0, "large": 5.2}[finding.size] * rng.uniform(0.9, 1.1)
    down = np.clip((chest.grid.y - lung.apex) / (lung.base - lung.apex), 0, 1)
    gap = depth * (1 - (0.3 if finding.size == "large" else 0.85) * down)
    if lateral:
        pleura = lung.wall - depth * np.clip(1.1 - 2.0 * down, -0.2, 1)
    else:
        centre = 0.36 * lung.reach
        pleura = outline(lung.across, chest.grid.y, lung.reach - gap, lung.apex + 1.2 * depth, lung.base + 0.5, centre)
    pleura = pleura + 0.07 * cloud(chest.grid, rng, 3.0)
    seen = lung.inside * _side_of(chest, lung, lateral)
    out = smoothstep(0.07, -0.07, pleura) * seen
    line = smoothstep(0.18, 0.04, np.abs(pleura)) * seen
    retracted = (1 - out) * seen
    share = 0.6 if lateral else 1.0
    chest.vessels *= 1 - out * share
    chest.air *= 1 - share * (0.14 + 0.10 * depth / 5) * retracted
    chest.air += share * out * (0.16 + 0.25 * smoothstep(2.5, 0.0, lung.wall))
    chest.fluid += 0.11 * share * line


def _consolidation(chest: Chest, lung: Lung, finding: Finding, rng: np.random.Generator, lateral: bool) -> None:
    """Alveoli full of fluid in one lobe: a fuzzy opacity through which air-filled bronchi run."""
    height, grid = lung.base - lung.apex, chest.grid
    scale = {"small": 0.9, "moderate": 1.15, "large": 1.4}[finding.size]
    if finding.zone == "upper":
        across, y, wide, high = 0.56 * lung.reach, lung.apex + 0.24 * height, 4.4 * scale, 4.6 * scale
    else:
        across, y, wide, high = 0.54 * lung.reach, lung.base - 0.30 * height, 4.8 * scale, 4.6 * scale
    if lateral:
        across, wide = (-0.1, 3.9 * scale) if finding.zone == "upper" else (0.45 * lung.reach, 4.2 * scale)
    across, y = across + rng.normal(0, 0.4), y + rng.normal(0, 0.5)
    dx, dy = (lung.across - across) / wide, (grid.y - y) / high
    ragged = 0.14 * cloud(grid, rng, 2.4) + 0.07 * cloud(grid, rng, 1.0)
    shape = smoothstep(-0.05, 0.65, 1.10 - np.sqrt(dx * dx + dy * dy) + ragged) * (0.92 + 0.03 * cloud(grid, rng, 0.5))
    shape = np.clip(shape, 0, 1) * smoothstep(0, 0.5, lung.wall) * _side_of(chest, lung, lateral)
    bronchi = _bronchi(chest, lung, (across, y), (wide, high), rng)
    _opacify(chest, (0.85 if lateral else 0.97) * shape * (1 - 0.30 * bronchi), 0.08)


def _bronchi(chest: Chest, lung: Lung, at: tuple[float, float], size: tuple[float, float], rng: np.random.Generator) -> Image:
    """Branching lucent lines that fan out from the hilum's direction."""
    out, y = chest.grid.zeros(), chest.grid.y
    fx, fy = at[0] - lung.hilum[0], at[1] - lung.hilum[1]
    length = max((fx * fx + fy * fy) ** 0.5, 0.1)
    ux, uy = fx / length, fy / length
    start = (at[0] - 0.9 * size[0] * ux, at[1] - 0.9 * size[1] * uy)
    for fan in (-0.55, -0.15, 0.25, 0.6):
        vx, vy = ux - fan * uy, uy + fan * ux
        dx, dy = lung.across - start[0], y - start[1]
        along = (dx * vx + dy * vy) / (vx * vx + vy * vy) ** 0.5
        away = np.abs(dx * vy - dy * vx) / (vx * vx + vy * vy) ** 0.5
        bent = away + 0.10 * cloud(chest.grid, rng, 1.5)
        reach = rng.uniform(1.1, 1.6) * size[1]
        out = np.maximum(
            out, smoothstep(0.15, 0.04, np.abs(bent)) * smoothstep(0.2, 0.8, along) * smoothstep(reach, reach - 1, along)
        )
    return blur(out, 1)


def _nodule(chest: Chest, lung: Lung, finding: Finding, rng: np.random.Generator, lateral: bool) -> None:
    """A round opacity of up to 3 cm, seen through the ribs."""
    height = lung.base - lung.apex
    radius = {"small": 0.75, "moderate": 1.1, "large": 1.45}[finding.size] * rng.uniform(0.92, 1.08)
    share = rng.uniform(0.28, 0.36) if finding.zone == "upper" else rng.uniform(0.52, 0.60)
    across, y = lung.reach * rng.uniform(0.52, 0.72), lung.apex + share * height
    if lateral:
        across = lung.reach * rng.uniform(0.10, 0.38)
    dx, dy = lung.across - across, chest.grid.y - y
    far = np.sqrt(dx * dx + dy * dy) / radius * (1 + 0.035 * cloud(chest.grid, rng, 0.7))
    ball = dome(np.clip(far, 0, 1))
    ball = blur(np.sqrt(ball), 1)
    chest.vessels *= 1 - 0.7 * ball
    chest.fluid += (0.22 + 0.06 * radius) * ball


DRAWN: dict[str, Callable[[Chest, Lung, Finding, np.random.Generator, bool], None]] = {
    "pleural effusion": _effusion,
    "pneumothorax": _pneumothorax,
    "consolidation": _consolidation,
    "pulmonary nodule": _nodule,
}
