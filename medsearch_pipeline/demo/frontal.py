"""The anatomy of a frontal chest radiograph (PA or AP). The patient's right is at the left of the picture.

Belongs here: shapes and where they are, in cm. Not here: disease (`findings`), exposure and noise (`radiographs`).
"""

from __future__ import annotations

import numpy as np

from medsearch_pipeline.demo.canvas import Grid, Image, band, blur, cloud, dome, smoothstep, spline
from medsearch_pipeline.demo.cases import Physique
from medsearch_pipeline.demo.chest import Chest, Lung, outline, vessel_tree

RIGHT, LEFT = -1.0, 1.0


def draw_frontal(grid: Grid, body: Physique, heart: float, ap: bool, rng: np.random.Generator) -> Chest:
    """A chest from the front.

    Args:
        heart: cardiothoracic ratio to draw, cardiomegaly included.
        ap: taken at the bedside: less inspiration, a magnified heart, shoulder blades over the lungs.
    """
    breath = rng.normal(0, 0.4) - (1.6 if ap else 0.0)
    apex = 7.4 + rng.normal(0, 0.2)
    floor = apex + body.lung_height + breath
    bend = body.bend * spline([(0, -0.6), (14, 1), (26, 0.3), (44, -1)], grid.y)
    lungs = {
        name: _lung(grid, body, heart * (1.06 if ap else 1.0), side, apex, floor + (0.0 if side == RIGHT else 1.1), bend, rng)
        for name, side in (("right", RIGHT), ("left", LEFT))
    }
    air, vessels = grid.zeros(), grid.zeros()
    for name, side in (("right", RIGHT), ("left", LEFT)):
        lung = lungs[name]
        depth = dome(1 - np.clip(lung.wall / 4.2, 0, 1)) * (0.82 + 0.18 * smoothstep(0, 5, lung.medial))
        behind = 0.16 * smoothstep(-4.5, -0.3, lung.floor)
        air += depth * np.maximum(lung.inside, behind * smoothstep(0, 0.4, lung.wall) * smoothstep(0.0, 1.0, lung.medial))
        spread = (-0.24, 0.27)
        tree = vessel_tree(grid, rng, lung, side, spread) * smoothstep(-0.2, 0.6, lung.wall)
        vessels += tree * (0.25 + 0.75 * lung.inside)
    chest = Chest(
        grid, _body(grid, body, lungs, rng), _bones(grid, body, lungs, ap, bend, rng), lungs, air, vessels, grid.zeros()
    )
    chest.body += _mediastinum(grid, lungs, bend)
    chest.air += _airway(grid, bend) + _stomach_bubble(grid, lungs["left"], rng)
    return chest


def _lung(
    grid: Grid, body: Physique, heart: float, side: float, apex: float, floor: float, bend: Image, rng: np.random.Generator
) -> Lung:
    x, y = side * (grid.x - bend), grid.y
    width, base = body.half_width, floor + 3.6
    wall = outline(x, y, width, apex, base, 0.40 * width)
    border = spline(_border(side, heart * 2 * width, apex, floor), y)
    away = x - border
    lean = (x - 0.46 * width) / (0.54 * width)
    dip = np.where(lean > 0, lean * lean * (3.4 + 1.2 * lean * lean), lean * lean * 1.3)
    above = floor + dip - y
    inside = smoothstep(0, 0.35, wall) * smoothstep(-0.08, 0.25, above) * smoothstep(-0.1, 0.35, away)
    hilum = (3.6 + 0.3 * rng.normal(), apex + 0.40 * (floor - apex) - (0.8 if side == LEFT else 0.0))
    return Lung(wall, above, away, x, inside, apex, base, width, hilum)


def _border(side: float, heart_width: float, apex: float, floor: float) -> list[tuple[float, float]]:
    """Distance of the mediastinal and cardiac silhouette from the midline at heights down the chest."""
    high = floor - apex
    if side == RIGHT:
        atrium = 0.36 * heart_width
        return [
            (apex - 3, 2.6), (apex + 0.05 * high, 2.5), (apex + 0.35 * high, 2.6), (apex + 0.52 * high, 2.9),
            (apex + 0.72 * high, atrium * 0.96), (apex + 0.84 * high, atrium), (apex + 0.97 * high, atrium * 0.86),
            (floor + 4, atrium * 0.6),
        ]  # fmt: skip
    ventricle = 0.64 * heart_width
    return [
        (apex - 3, 2.6), (apex + 0.10 * high, 2.5), (apex + 0.22 * high, 3.3), (apex + 0.30 * high, 3.7),
        (apex + 0.375 * high, 3.0), (apex + 0.46 * high, 0.35 * ventricle + 0.9), (apex + 0.60 * high, 0.63 * ventricle),
        (apex + 0.76 * high, 0.89 * ventricle), (apex + 0.90 * high, ventricle), (apex + 1.01 * high, 0.97 * ventricle),
        (floor + 4.5, 0.7 * ventricle),
    ]  # fmt: skip


def _body(grid: Grid, body: Physique, lungs: dict[str, Lung], rng: np.random.Generator) -> Image:
    x, y = np.abs(grid.x + 0 * grid.y), grid.y
    flank = spline([(12, 1.2), (17, 0.5), (26, -0.4), (33, -0.2), (44, 1.5)], y)
    skin = body.half_width + 2.4 + 3.6 * body.fat + flank
    neck = 5.2 + 1.6 * body.fat
    outline = spline(
        [(0, neck), (3.2, neck + 0.4), (5.0, neck + 3.6), (6.8, body.half_width + 2.0), (9.0, body.half_width + 5.2),
         (13, body.half_width + 6.6), (20, body.half_width + 7.2), (44, body.half_width + 8.5 + 2 * body.fat)], y,
    )  # fmt: skip
    torso = np.minimum(outline, skin + smoothstep(15, 9, y) * 6)
    thick = dome(np.clip(x / torso, 0, 1))
    trunk = 0.30 * smoothstep(1.0, 0.93, x / torso) + 0.56 * thick
    trunk *= spline([(0, 0.72), (5, 0.80), (9, 0.95), (26, 1.0), (32, 1.13), (44, 1.2)], y)
    middle = spline([(8, body.half_width + 5.4), (20, body.half_width + 6.2 + 2.5 * body.fat), (44, body.half_width + 9)], y)
    arm = 0.52 * dome(np.clip((x - middle) / 3.6, -1, 1)) * smoothstep(7.0, 10, y)
    out = np.maximum(trunk, arm) + 0.5 * np.minimum(trunk, arm)
    if body.breast:
        for side in (RIGHT, LEFT):
            wide, low = 5.6 + 1.6 * body.breast, lungs["left"].base - 3.0 + 2.4 * body.breast
            dx, dy = (side * grid.x - 0.60 * body.half_width) / wide, (y - low + 4.5) / (4.9 + 0.8 * body.breast)
            out += (
                0.17
                * body.breast
                * np.sqrt(np.sqrt(np.clip(1 - dx * dx - dy * dy * (1 + 0.4 * dy), 0, 1)))
                * smoothstep(-1.2, 0.7, dy)
            )
    fold = cloud(grid, rng, 4.0) * 0.012
    return blur(out, 2) * (1 + 0.10 * body.fat) + fold * smoothstep(0.1, 0.3, out)


def _mediastinum(grid: Grid, lungs: dict[str, Lung], bend: Image) -> Image:
    """Extra density of the heart, the great vessels and the abdomen."""
    heart = smoothstep(0.6, -2.6, lungs["right"].medial) * smoothstep(0.6, -2.6, lungs["left"].medial)
    core = dome(np.clip((grid.x - bend) / 4.2, -1, 1))
    below = smoothstep(0.5, -4, lungs["right"].floor) * smoothstep(0.5, -4, lungs["left"].floor)
    hila = grid.zeros()
    for lung in lungs.values():
        far = ((lung.across - lung.hilum[0]) / 1.7) ** 2 + ((grid.y - lung.hilum[1] - 0.6) / 2.6) ** 2
        hila += dome(np.clip(np.sqrt(far), 0, 1)) ** 2
    return 0.09 * hila + 0.05 * heart + 0.09 * core * smoothstep(2, 9, grid.y) + 0.05 * below


def _airway(grid: Grid, bend: Image) -> Image:
    """Trachea and main bronchi, as air."""
    x = grid.x - bend
    trachea = dome(np.clip((x + 0.2) / 0.95, -1, 1)) * smoothstep(1, 4, grid.y) * smoothstep(16.2, 14.2, grid.y)
    out = 0.20 * trachea
    for side, slope in ((RIGHT, 0.95), (LEFT, 0.70)):
        away = (grid.y - 14.6 - slope * side * x) / 0.75
        out = out + 0.11 * dome(np.clip(away, -1, 1)) * smoothstep(0.0, 0.8, side * x) * smoothstep(4.6, 2.8, side * x)
    return blur(out, 3)


def _stomach_bubble(grid: Grid, lung: Lung, rng: np.random.Generator) -> Image:
    if rng.random() < 0.35:
        return grid.zeros()
    centre, wide, high = rng.uniform(5.0, 7.0), rng.uniform(1.6, 3.4), rng.uniform(0.8, 2.0)
    dx, dy = (grid.x - centre) / wide, (grid.y - lung.base + 0.4 + 0 * grid.x) / high
    return 0.24 * smoothstep(0, 0.5, 1 - dx * dx - dy * dy + 0.12 * cloud(grid, rng, 1.2)) * smoothstep(-0.6, -1.3, lung.floor)


def _bones(grid: Grid, body: Physique, lungs: dict[str, Lung], ap: bool, bend: Image, rng: np.random.Generator) -> Image:
    out = grid.zeros()
    gap = (body.lung_height + 3) / 10.2
    dense = 1.15 - 0.004 * body.age
    for side, lung in ((RIGHT, lungs["right"]), (LEFT, lungs["left"])):
        x = side * grid.x
        for i in range(11):
            start = lung.apex - 0.4 + gap * i
            drop = body.rib_slope * (1.9 + 0.34 * i)
            outer = body.half_width * min(1.0, 0.60 + 0.16 * i - 0.012 * i * i) + 0.25
            s = np.clip((x - 1.2) / (outer - 1.2), 0, 1)
            back = start + 0.3 * rng.normal() * 0.3 - 0.5 * s * (1 - s) + drop * (1 - np.sqrt(1 - 0.985 * s * s * s))
            seen = ((x > 1.2) & (x < outer)) * smoothstep(1.0, 2.6, x) * smoothstep(outer, outer - 0.2, x)
            band(grid, out, back, 0.46 + 0.012 * i, (0.165 - 0.004 * i) * dense * seen.astype(np.float32), 0.50)
            if i < 8:
                reach = np.clip((outer - x) / (outer * (0.62 - 0.02 * i)), 0, 1)
                front = start + drop + body.rib_slope * (2.6 + 0.42 * i) * np.sqrt(1 - (1 - reach) ** 2 * 0.985)
                seen = (x < outer) * smoothstep(1.0, 0.86, reach)
                band(grid, out, front, 0.56, 0.095 * dense * seen.astype(np.float32), 0.45)
        out += (
            0.10
            * smoothstep(-0.75, -0.05, lung.wall)
            * smoothstep(0.55, 0.05, lung.wall)
            * smoothstep(lung.base + 2, lung.base - 4, grid.y)
        )
        out += _shoulder(grid, body, side, lung, ap, dense, rng)
    return blur(out + _spine(grid, bend, gap, dense), 1)


def _shoulder(grid: Grid, body: Physique, side: float, lung: Lung, ap: bool, dense: float, rng: np.random.Generator) -> Image:
    out = grid.zeros()
    x = side * grid.x
    far, lift = body.half_width + 2.6, rng.normal(0, 0.35)
    shape = (
        spline([(1.0, 1.5), (4.0, 0.9), (8.0, -0.5), (12.0, -1.6), (far, -1.4)], x)
        + lung.apex
        + 2.6
        + lift
        + (-1.2 if ap else 0.3)
    )
    seen = smoothstep(0.9, 1.6, x) * smoothstep(far, far - 0.6, x)
    band(grid, out, shape, 0.62, 0.20 * dense * seen.astype(np.float32), 0.55)
    joint_x, joint_y = far + 2.0, lung.apex + 2.4 + lift
    radius = np.sqrt((x - joint_x) ** 2 + (grid.y - joint_y) ** 2)
    out += 0.15 * dense * smoothstep(2.5, 2.15, radius) * (0.7 + 0.3 * smoothstep(1.6, 2.3, radius))
    shaft = np.abs(x - joint_x - 0.9 - 0.07 * (grid.y - joint_y)) / 1.25
    out += (
        0.15
        * dense
        * smoothstep(1.05, 0.9, shaft)
        * (0.55 + 0.45 * smoothstep(0.45, 0.9, shaft))
        * smoothstep(joint_y + 1, joint_y + 2.4, grid.y)
    )
    inner = 0.80 * body.half_width - (1.8 if ap else -0.9)
    edge = spline([(lung.apex + 1, inner + 1.2), (lung.apex + 4, inner), (lung.apex + 13, inner + 2.6)], grid.y)
    blade = smoothstep(0.0, 0.18, x - edge) * smoothstep(far + 1.2, far - 1.0, x + 0.42 * (grid.y - lung.apex - 4))
    rim = smoothstep(0.45, 0.0, np.abs(x - edge - 0.1))
    tall = smoothstep(lung.apex + 1.6, lung.apex + 2.6, grid.y) * smoothstep(lung.apex + 13, lung.apex + 11, grid.y)
    return out + dense * (0.07 * blade + 0.06 * rim) * tall


def _spine(grid: Grid, bend: Image, gap: float, dense: float) -> Image:
    x = grid.x - bend
    phase = (grid.y / gap) % 1.0
    body = smoothstep(0.0, 0.10, phase) * smoothstep(1.0, 0.90, phase)
    wide = spline([(0, 1.35), (20, 1.6), (44, 2.1)], grid.y)
    column = smoothstep(1.04, 0.90, np.abs(x) / wide)
    edge = smoothstep(0.75, 0.95, np.abs(x) / wide) * column
    pedicle = smoothstep(0.42, 0.25, np.sqrt((np.abs(x) - 0.62 * wide) ** 2 + (0.8 * gap * (phase - 0.38)) ** 2))
    process = smoothstep(0.35, 0.15, np.sqrt(x * x + (0.5 * gap * (phase - 0.75)) ** 2))
    return dense * (column * (0.05 + 0.075 * body) + 0.045 * edge + 0.06 * pedicle + 0.06 * process)
