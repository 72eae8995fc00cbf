"""A projected chest before exposure: layers of density, and the landmarks that findings are placed by.

Belongs here: the layers, and the vessels that both views share. Densities add up along a ray, so layers are sums: 1 is about
the density of the abdomen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medsearch_pipeline.demo.canvas import Grid, Image, Line, blur, direction, splat


@dataclass
class Lung:
    """One lung as projected, in cm. A lateral view has one for both.

    Distances are images: `wall` inward from the chest wall, `floor` upward from the diaphragm's dome, `medial` outward from
    the heart and mediastinum; negative outside.
    """

    wall: Image
    floor: Image
    medial: Image
    across: Image
    """float32[1, columns]: cm from the midline toward the chest wall; a lateral view's wall is the back."""
    inside: Image
    """0..1: where aerated lung is seen."""
    apex: float
    base: float
    """Height of the costophrenic angle."""
    reach: float
    """From the midline to the wall at the base."""
    hilum: tuple[float, float]
    """(across, y)."""


@dataclass
class Chest:
    """Layers of one projection; `air` is subtracted, the others add."""

    grid: Grid
    body: Image
    bone: Image
    lungs: dict[str, Lung]
    air: Image
    """0..1: depth of aerated lung."""
    vessels: Image
    fluid: Image
    """Density added by findings."""

    def lung(self, side: str) -> Lung:
        """The lung a side's findings are seen in."""
        return self.lungs.get(side) or self.lungs["both"]


def outline(across: Image, y: Image, reach: float | Image, apex: float, base: float, centre: float) -> Image:
    """Distance (cm) inward from a lung's rounded outline: widest at the base, a dome at the apex."""
    lateral, medial = (across - centre) / (reach - centre), (centre - across) / (1.55 * centre)
    sideways = np.where(across > centre, lateral, medial)
    up = np.clip((base - y) / (base - apex), 0, None)
    shape = sideways * sideways + up * up * up * (0.9 + 0.1 * up)
    return (1 - shape) / (2 * np.abs(sideways) / (reach - centre) + 3 * up * up / (base - apex) + 0.02)


def vessel_tree(grid: Grid, rng: np.random.Generator, lung: Lung, sign: float, spread: tuple[float, float]) -> Image:
    """Pulmonary vessels branching from a hilum, with density by their width.

    Args:
        sign: -1 where "across" grows to the left of the picture.
        spread: range of the first branches' directions, in turns (0 across, 0.25 down).
    """
    stems = 11
    turn = np.linspace(*spread, stems) + rng.normal(0, 0.02, stems)
    x = np.full(stems, lung.hilum[0]) + rng.normal(0, 0.3, stems)
    y = np.full(stems, lung.hilum[1]) + (turn - np.mean(spread)) * 6 + rng.normal(0, 0.4, stems)
    radius = rng.uniform(0.17, 0.30, stems)
    drawn: dict[int, list[tuple[Line, Line, Line]]] = {}
    for generation in range(6):
        steps = 26 - 2 * generation
        bend = rng.normal(0, 0.0035, (len(turn), 1)) + rng.normal(0, 0.006, (len(turn), steps))
        heading = turn[:, None] + np.cumsum(bend, axis=1)
        cosine, sine = direction(heading)
        stride = 0.105
        px = x[:, None] + np.cumsum(cosine, axis=1) * stride
        py = y[:, None] + np.cumsum(sine, axis=1) * stride
        taper = radius[:, None] * np.linspace(1, 0.8, steps)[None, :]
        pixels = max(round(float(radius.mean()) * grid.per_cm), 1)
        drawn.setdefault(pixels, []).append((sign * px.ravel(), py.ravel(), taper.ravel()))
        fork = rng.uniform(0.025, 0.085, len(turn))
        turn = np.concatenate([heading[:, -1] + fork, heading[:, -1] - fork])
        x, y = np.tile(px[:, -1], 2), np.tile(py[:, -1], 2)
        radius = np.tile(taper[:, -1], 2) * rng.uniform(0.62, 0.9, len(turn))
        if generation >= 3:
            keep = rng.random(len(turn)) < 0.6
            turn, x, y, radius = turn[keep], x[keep], y[keep], radius[keep]
    out = grid.zeros()
    for pixels, tubes in drawn.items():
        x, y, radius = (np.concatenate(part) for part in zip(*tubes, strict=True))
        out += blur(splat(grid, x, y, radius * 0.62 * (2 * pixels + 1) * 0.105 * grid.per_cm), pixels)
    return out
