"""Vectors of length 1, as every search index stores and compares them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def normalized(vector: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """The vector with length 1, float32[dimensions]; zero stays zero. The length is computed in float64."""
    exact = np.asarray(vector, np.float32).astype(np.float64)
    return (exact / (np.sqrt((exact * exact).sum()) or 1.0)).astype(np.float32)
