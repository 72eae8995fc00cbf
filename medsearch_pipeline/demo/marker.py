"""The lead letters that mark left and right, as small bitmaps."""

from __future__ import annotations

import numpy as np

from medsearch_pipeline.demo.canvas import Image


def _glyph(*rows: str) -> Image:
    return np.array([[mark == "#" for mark in row] for row in rows], np.float32)


MARKERS = {
    "L": _glyph(
        ".........",
        ".##......",
        ".##......",
        ".##......",
        ".##......",
        ".##......",
        ".##......",
        ".##......",
        ".######..",
        ".######..",
        ".........",
    ),
    "R": _glyph(
        ".........",
        ".#####...",
        ".######..",
        ".##..##..",
        ".##..##..",
        ".#####...",
        ".####....",
        ".##.##...",
        ".##..##..",
        ".##..##..",
        ".........",
    ),
}
