"""From a thumbnail to the model's input. Part of every model version: increase the version with any change here."""

from __future__ import annotations

import numpy as np
from PIL import Image

PREPROCESSING_VERSION = "1"


def letterbox(picture: np.ndarray, side: int) -> np.ndarray:
    """An image fitted into a square, with its aspect ratio kept and the rest black.

    Args:
        picture: uint8 `[rows, columns]` or `[rows, columns, 3]`.
        side: the square's side in pixels.

    Returns:
        uint8 `[side, side, 3]`.
    """
    image = Image.fromarray(picture).convert("RGB")
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if size != image.size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    square = np.zeros((side, side, 3), np.uint8)
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    square[top : top + size[1], left : left + size[0]] = np.asarray(image)
    return square
