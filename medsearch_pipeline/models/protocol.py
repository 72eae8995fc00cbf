"""`Embedder`: the protocol of every model. Does not import torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

from medsearch_pipeline.models.engines.measurements import Measurements


class Embedder(Protocol):
    """Maps images to vectors; an image's vector does not depend on the rest of its batch."""

    model_id: str
    model_version: str
    """Digest of everything that comparable vectors must share: weights, input side, normalization, preprocessing."""
    dimensions: int
    side: int
    engine: str
    """The engine, for people and run metadata: `openvino bf16, 2 threads`."""

    @property
    def measurements(self) -> Measurements | None:
        """The candidates among which the engine was chosen; None if only one was possible."""

    @property
    def batch_size(self) -> int:
        """The best number of images per call. It decreases if the device's memory proves too small."""

    def embed(self, pictures: np.ndarray) -> np.ndarray:
        """Vectors of letterboxed images: uint8 `[n, side, side, 3]` to float32 `[n, dimensions]`, any n."""

    def embed_batches(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The vectors of each batch, in order; the next batch is taken while the device works on the previous one.

        The array of a batch may be reused only after its vectors were yielded.
        """
