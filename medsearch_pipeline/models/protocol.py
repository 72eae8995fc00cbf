"""`Embedder`: what every model can do. Free of torch, for those who only pass one on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np


class Embedder(Protocol):
    """Pictures in, vectors out; the same picture gives the same vector whatever else is in its batch."""

    model_id: str
    model_version: str
    dimensions: int
    side: int
    batch_size: int

    def embed(self, pictures: np.ndarray) -> np.ndarray:
        """Vectors of letterboxed pictures: uint8 `[n, side, side, 3]` to float32 `[n, dimensions]`, any n."""

    def embed_batches(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The vectors of each batch, in order."""
