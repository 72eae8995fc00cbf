"""Whether an engine gives this network's vectors: two drawn pictures, compared with eager fp32 before anything is embedded."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import nn

MIN_COSINE = 0.9999
"""Vectors of any two engines must be comparable, for the model's version does not tell them apart."""


def synthetic_images(side: int) -> np.ndarray:
    """Two pictures, smooth as radiographs are, one of them letterboxed: uint8 `[2, side, side, 3]`, always the same."""
    random = np.random.default_rng(20)
    pictures = np.zeros((2, side, side, 3), np.uint8)
    for picture, width in zip(pictures, (side, side - side // 4), strict=True):
        coarse = Image.fromarray(random.integers(0, 256, (12, 12), dtype=np.uint8))
        left = (side - width) // 2
        picture[:, left : left + width] = np.asarray(coarse.resize((width, side), Image.Resampling.BICUBIC))[..., np.newaxis]
    return pictures


def reference_vectors(graph: nn.Module, pictures: np.ndarray) -> np.ndarray:
    """The vectors as torch gives them on the processor, in fp32, one picture at a time.

    Raises:
        TypeError: the network gives something else than one tensor.
    """
    with torch.inference_mode():
        found = [graph(torch.from_numpy(picture[np.newaxis])) for picture in pictures]
    for vector in found:
        if not isinstance(vector, torch.Tensor):
            raise TypeError(f"it gives a {type(vector).__name__}. Export the part that gives the vector alone")
    return np.concatenate([vector.float().numpy() for vector in found])


def min_cosine(vectors: np.ndarray, expected: np.ndarray) -> float:
    """The least cosine of a vector and its counterpart."""
    a, b = vectors.astype(np.float64), expected.astype(np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(1) / np.maximum(lengths, np.finfo(np.float64).tiny)).min())


def find_problem(vectors: np.ndarray, expected: np.ndarray, dimensions: int | None) -> str | None:
    """What is wrong with an engine's vectors, None if nothing is."""
    if vectors.ndim != 2 or len(vectors) != len(expected):
        return f"two pictures give the shape {list(vectors.shape)} instead of a vector each"
    if dimensions not in (None, vectors.shape[1]):
        return f"its vectors have {vectors.shape[1]} dimensions, and {dimensions} were to be expected"
    if not np.isfinite(vectors).all() or not vectors.any(1).all():
        return "its vectors are not finite, or nothing but zeros"
    cosine = min_cosine(vectors, expected)
    if cosine < MIN_COSINE:
        return f"its vectors are not those of fp32: cosine {cosine:.5f}, and {MIN_COSINE} is the least"
    return None
