"""Whether an engine computes this network's vectors: compares two synthetic images with eager fp32 before embedding."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import nn

MIN_COSINE = 0.9999
"""Vectors of any two engines must be comparable, because the model's version does not include the engine."""


def synthetic_images(side: int) -> np.ndarray:
    """Two images as smooth as radiographs, one of them letterboxed: uint8 `[2, side, side, 3]`, always the same."""
    random = np.random.default_rng(20)
    pictures = np.zeros((2, side, side, 3), np.uint8)
    for picture, width in zip(pictures, (side, side - side // 4), strict=True):
        coarse = Image.fromarray(random.integers(0, 256, (12, 12), dtype=np.uint8))
        left = (side - width) // 2
        picture[:, left : left + width] = np.asarray(coarse.resize((width, side), Image.Resampling.BICUBIC))[..., np.newaxis]
    return pictures


def reference_vectors(graph: nn.Module, pictures: np.ndarray) -> np.ndarray:
    """The vectors as torch computes them on the CPU, in fp32, one image at a time.

    Raises:
        TypeError: the network does not return a single tensor.
    """
    with torch.inference_mode():
        found = [graph(torch.from_numpy(picture[np.newaxis])) for picture in pictures]
    for vector in found:
        if not isinstance(vector, torch.Tensor):
            raise TypeError(f"it returns a {type(vector).__name__}. Export only the part that returns the vector")
    return np.concatenate([vector.float().numpy() for vector in found])


def min_cosine(vectors: np.ndarray, expected: np.ndarray) -> float:
    """The lowest cosine between corresponding vectors."""
    a, b = vectors.astype(np.float64), expected.astype(np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(1) / np.maximum(lengths, np.finfo(np.float64).tiny)).min())


def find_problem(vectors: np.ndarray, expected: np.ndarray, dimensions: int | None) -> str | None:
    """The problem with an engine's vectors, if any."""
    if vectors.ndim != 2 or len(vectors) != len(expected):
        return f"two images give the shape {list(vectors.shape)} instead of one vector each"
    if dimensions not in (None, vectors.shape[1]):
        return f"its vectors have {vectors.shape[1]} dimensions instead of {dimensions}"
    if not np.isfinite(vectors).all() or not vectors.any(1).all():
        return "its vectors are not finite, or all zero"
    cosine = min_cosine(vectors, expected)
    if cosine < MIN_COSINE:
        return f"its vectors differ from fp32: cosine {cosine:.5f}, below {MIN_COSINE}"
    return None
