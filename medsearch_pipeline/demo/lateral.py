"""The anatomy of a lateral chest radiograph: the patient faces the left of the picture, arms raised.

Belongs here: shapes and where they are, in cm. The lungs overlap, so they are drawn as one; its wall is the back.
"""

from __future__ import annotations

import numpy as np

from medsearch_pipeline.demo.canvas import Grid, Image, band, blur, cloud, dome, smoothstep, spline
from medsearch_pipeline.demo.cases import Physique
from medsearch_pipeline.demo.chest import Chest, Lung, vessel_tree


def draw_lateral(grid: Grid, body: Physique, heart: float, rng: np.random.Generator) -> Chest:
    """A chest from the side, for a cardiothoracic ratio measured on the frontal view."""
    apex = 6.8 + rng.normal(0, 0.2)
    floor = apex + body.lung_height + rng.normal(0, 0.4)
    deep = 0.78 * body.half_width + 1.6 * body.fat + (0.8 if body.sex == "M" else 0.0)
    front, back = _front(grid, deep, apex, floor), _back(grid, deep, apex, floor)
    x, y = grid.x, grid.y
    from_back, from_front = back - x, x - front
    top = y - apex - 0.06 * (x - 1.0) ** 2
    sides = np.minimum(np.minimum(from_back, from_front), top * 1.4)
    slope = (x + 3.5) / deep
    dip = np.where(slope > 0, 5.2 * slope * slope + 0.8 * slope * slope * slope * slope, 2.0 * slope * slope)
    above = floor - 0.6 + dip - y
    above_left = above + 1.1 - 0.5 * slope
    edge = 0.62 * smoothstep(-0.08, 0.25, above) + 0.38 * smoothstep(-0.08, 0.25, above_left)
    silhouette = _heart(grid, heart * body.half_width, deep, floor, front)
    inside = smoothstep(0, 0.4, sides) * edge
    wall = np.minimum(from_back, top * 1.4)
    lung = Lung(wall, above, from_front, x + 0 * y, inside, apex, floor + 4.6, deep, (0.6, apex + 0.42 * (floor - apex)))
    depth = dome(1 - np.clip(sides / 4.5, 0, 1)) * spline([(apex, 0.45), (14, 0.75), (20, 1.0), (40, 1.12)], y)
    air = depth * inside * (1 - 0.52 * silhouette)
    vessels = sum(vessel_tree(grid, rng, lung, 1.0, spread) for spread in ((-0.32, 0.40), (0.10, 0.72)))
    vessels = vessels * inside * 0.8 + _hila(grid, lung)
    arch = _arch(grid, lung)
    chest = Chest(grid, _body(grid, body, front, back, apex, rng), _bones(grid, body, lung, front, back, rng),
                  {"both": lung}, air * (1 - 0.22 * arch), vessels, grid.zeros())  # fmt: skip
    chest.body += 0.05 * silhouette * smoothstep(-3, 1, above) + 0.03 * arch
    trachea = (
        dome(np.clip((x - 0.1 - 0.10 * (y - 6)) / 0.85, -1, 1))
        * smoothstep(1, 4, y)
        * smoothstep(lung.hilum[1] + 0.4, lung.hilum[1] - 1.2, y)
    )
    chest.air += blur(0.22 * trachea, 2)
    return chest


def _front(grid: Grid, deep: float, apex: float, floor: float) -> Image:
    points = [(apex - 6, -3.6), (apex, -4.2), (apex + 3, -0.45 * deep), (apex + 9, -0.80 * deep), (apex + 15, -0.96 * deep),
              (floor, -0.98 * deep), (floor + 8, -0.85 * deep), (44, -0.8 * deep)]  # fmt: skip
    return spline(points, grid.y)


def _back(grid: Grid, deep: float, apex: float, floor: float) -> Image:
    points = [(apex - 6, 3.4), (apex, 0.52 * deep), (apex + 5, 0.80 * deep), (apex + 12, 1.0 * deep), (apex + 19, 1.02 * deep),
              (floor + 4, 0.90 * deep), (44, 0.7 * deep)]  # fmt: skip
    return spline(points, grid.y)


def _heart(grid: Grid, size: float, deep: float, floor: float, front: Image) -> Image:
    size = 0.45 * size + 0.55 * 5.9
    long, short = 1.12 * size, 0.86 * size
    cx, cy = -0.98 * deep + 0.86 * size + 0.4, floor - 0.50 * size
    dx, dy = grid.x - cx, grid.y - cy
    u, v = 0.80 * dx + 0.60 * dy, -0.60 * dx + 0.80 * dy
    rim = 1 - (u / short) ** 2 - (v / long) ** 2
    soft = 0.10 + 0.75 * smoothstep(0.2, 1.0, -(dx + 0.9 * dy) / size)
    ventricle = smoothstep(-0.2 * soft, soft, rim)
    root_x = np.abs(grid.x - cx - 0.10 * size - 0.16 * (cy - grid.y)) / (0.40 * size)
    root = (
        smoothstep(1.0, 0.6, root_x) * smoothstep(cy, cy - 1.0, grid.y) * smoothstep(cy - 2.1 * size, cy - 1.2 * size, grid.y)
    )
    return np.maximum(ventricle, 0.55 * root) * smoothstep(-0.4, 0.2, grid.x - front)


def _arch(grid: Grid, lung: Lung) -> Image:
    cx, cy = 0.4, lung.hilum[1] - 1.2
    radius = np.sqrt((grid.x - cx) ** 2 + (grid.y - cy) ** 2)
    arch = dome(np.clip((radius - 3.4) / 1.3, -1, 1)) * smoothstep(1.0, -0.6, grid.y - cy)
    down = dome(np.clip((grid.x - cx - 3.5 - 0.05 * (grid.y - cy)) / 1.25, -1, 1)) * smoothstep(-0.6, 1.0, grid.y - cy)
    return arch + 0.75 * down * smoothstep(lung.base, lung.base - 12, grid.y)


def _hila(grid: Grid, lung: Lung) -> Image:
    out = grid.zeros()
    for dx, dy, radius in ((-0.9, 0.4, 1.5), (1.3, 0.1, 1.3), (0.4, 1.8, 1.1)):
        far = np.sqrt((grid.x - lung.hilum[0] - dx) ** 2 + (grid.y - lung.hilum[1] - dy) ** 2) / radius
        out += 0.09 * dome(np.clip(far, 0, 1))
    return blur(out, 2)


def _body(grid: Grid, body: Physique, front: Image, back: Image, apex: float, rng: np.random.Generator) -> Image:
    x, y = grid.x, grid.y
    flesh = 1.4 + 2.6 * body.fat
    skin_front = front - flesh - body.breast * 4.2 * dome(np.clip((y - apex - 15.5) / (5.0 + body.breast), -1, 1)) ** 2
    skin_back = back + flesh + 1.3
    middle, half = (skin_front + skin_back) / 2, (skin_back - skin_front) / 2
    across = np.abs(x - middle) / half
    out = (0.30 * smoothstep(1.0, 0.94, across) + 0.60 * dome(np.clip(across, 0, 1))) * spline(
        [(0, 0.62), (5, 0.85), (9, 1.1), (14, 0.96), (24, 1.0), (31, 1.2), (44, 1.25)], y
    )
    tilt = rng.uniform(0.45, 0.75)
    along = np.clip((-(x - 1.0) - tilt * (y - apex - 2.5)) / (1 + tilt * tilt), 0, None)
    arm = np.sqrt((x - 1.0 + along) ** 2 + (y - apex - 2.5 + tilt * along) ** 2) / 4.6
    out = np.maximum(out, 0.62 * dome(np.clip(arm, 0, 1))) + 0.26 * np.minimum(out, 0.62 * dome(np.clip(arm, 0, 1)))
    humerus = smoothstep(0.34, 0.24, arm) * (0.5 + 0.5 * smoothstep(0.12, 0.26, arm)) * smoothstep(0.5, 2.0, along)
    out += 0.12 * humerus
    shoulder = np.sqrt(((x - 3.0) / 9.5) ** 2 + ((y - apex - 2.0) / 6.0) ** 2)
    out += 0.24 * dome(np.clip(shoulder, 0, 1))
    return blur(out, 2) * (1 + 0.10 * body.fat) + cloud(grid, rng, 4.0) * 0.010 * smoothstep(0.1, 0.3, out)


def _bones(grid: Grid, body: Physique, lung: Lung, front: Image, back: Image, rng: np.random.Generator) -> Image:
    out, x, y = grid.zeros(), grid.x, grid.y
    dense = 1.15 - 0.004 * body.age
    gap = (body.lung_height + 3) / 9.4
    spine = back - 2.1
    phase = ((y + 0.12 * (x - spine)) / gap) % 1.0
    disc = smoothstep(0.04, 0.13, phase) * smoothstep(0.96, 0.87, phase)
    away = np.abs(x - spine) / 1.7
    column = smoothstep(1.03, 0.92, away)
    plate = smoothstep(0.07, 0.0, np.abs(np.minimum(phase, 1 - phase) - 0.14)) * column
    out += dense * (column * (0.07 + 0.13 * disc) + 0.09 * plate + 0.07 * smoothstep(0.75, 0.95, away) * column)
    behind = np.abs(x - back - 1.2) / 1.1
    out += dense * 0.06 * smoothstep(1, 0.4, behind) * smoothstep(0.25, 0.5, phase) * smoothstep(0.95, 0.7, phase)
    plate_front = np.abs(x - front + 0.55) / 0.5
    out += (
        dense
        * 0.18
        * smoothstep(1.05, 0.7, plate_front)
        * smoothstep(lung.apex + 3, lung.apex + 5, y)
        * smoothstep(lung.apex + 20, lung.apex + 17, y)
    )
    rear, ribs = float(lung.reach) - 1.2, grid.zeros()
    for layer in range(2):
        for i in range(9):
            start = lung.apex + 1.4 + gap * (i + 0.38 * layer) + 0.1 * rng.normal()
            fore = -0.62 * lung.reach - 0.02 * i
            t = np.clip((rear - x) / (rear - fore), 0, 1)
            course = start + body.rib_slope * ((4.2 + 0.5 * i) * t + 2.4 * t * t - 2.2 * t * t * t) - 0.5 * np.sqrt(t)
            seen = ((x > fore) & (x < rear)) * smoothstep(fore, fore + 1.5, x) * smoothstep(rear, rear - 0.8, x)
            band(grid, ribs, course, 0.42 + 0.12 * layer, dense * (0.085 - 0.025 * layer) * seen.astype(np.float32), 0.6)
    out += ribs * (0.25 + 0.75 * smoothstep(-1.0, 1.0, lung.floor))
    for shift, lean in ((1.6, 0.10), (3.3, 0.16)):
        blade = np.abs(x - shift - lean * (y - lung.apex)) / 0.4
        out += (
            dense
            * 0.09
            * smoothstep(1.0, 0.3, blade)
            * smoothstep(lung.apex, lung.apex + 2, y)
            * smoothstep(lung.apex + 11, lung.apex + 9, y)
        )
    return blur(out, 1)
