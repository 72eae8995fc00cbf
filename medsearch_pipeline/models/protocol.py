"""`Embedder`: what every model can do. Free of torch, for those who only pass one on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np


class Embedder(Protocol):
    """Pictures in, vectors out; the same picture gives the same vector whatever else is in its batch."""

    model_id: str
    model_version: str
    """The weights, the input's side and normalisation, the preprocessing: whatever two comparable vectors must share."""
    dimensions: int
    side: int
    engine: str
    """What runs it, for people and run metadata: `openvino bf16, 2 threads`."""

    @property
    def batch_size(self) -> int:
        """Pictures worth handing over at once. Becomes less if the device's memory turns out not to hold as many."""

    def embed(self, pictures: np.ndarray) -> np.ndarray:
        """Vectors of letterboxed pictures: uint8 `[n, side, side, 3]` to float32 `[n, dimensions]`, any n."""

    def embed_batches(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The vectors of each batch, in order; the next batch is taken while the device works on the one before.

        The array of a batch may be used for another once its vectors were yielded, not before.
        """
