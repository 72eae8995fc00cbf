"""`EngineEmbedder`: a network on an engine as an `Embedder`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np

from medsearch_pipeline.models.engines.engine import IN_FLIGHT, Engine, Result
from medsearch_pipeline.models.engines.measurements import Measurements
from medsearch_pipeline.models.network import Network


class EngineEmbedder:
    """Splits images into batches of the engine's size, and keeps the engine busy.

    Args:
        network: the model.
        engine: runs it.
        dimensions: length of a vector.
        measurements: why this engine; None if only one was possible.
    """

    def __init__(self, network: Network, engine: Engine, dimensions: int, measurements: Measurements | None = None) -> None:
        self.model_id, self.model_version = network.model_id, network.model_version
        self.dimensions, self.side = dimensions, network.input.side
        self.engine, self.measurements = engine.name, measurements
        self._engine = engine

    @property
    def batch_size(self) -> int:
        return self._engine.batch_size

    def embed(self, pictures: np.ndarray) -> np.ndarray:
        return next(self.embed_batches([pictures]))

    def embed_batches(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        vectors = [np.empty((0, self.dimensions), np.float32)]
        for part, is_last in self._in_flight(self._parts(batches)):
            vectors.append(part)
            if is_last:
                yield np.concatenate(vectors)
                vectors = vectors[:1]

    def _parts(self, batches: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, bool]]:
        """Pieces of the engine's batch size, and whether a piece is the last of its batch."""
        shape = (self.side, self.side, 3)
        for batch in batches:
            if batch.dtype != np.uint8 or batch.shape[1:] != shape:
                raise ValueError(
                    f"images must be uint8 [n, {self.side}, {self.side}, 3], not {batch.dtype} {list(batch.shape)}"
                )
            size = self.batch_size
            for start in range(0, max(1, len(batch)), size):
                yield batch[start : start + size], start + size >= len(batch)

    def _in_flight(self, parts: Iterable[tuple[np.ndarray, bool]]) -> Iterator[tuple[np.ndarray, bool]]:
        waiting: deque[tuple[Result, bool]] = deque()
        try:
            for pictures, is_last in parts:
                waiting.append((self._started(pictures), is_last))
                if len(waiting) == IN_FLIGHT:
                    result, was_last = waiting.popleft()
                    yield result(), was_last
            while waiting:
                result, was_last = waiting.popleft()
                yield result(), was_last
        finally:
            for result, _ in waiting:  # a caller that stops early may reuse the arrays
                result()

    def _started(self, pictures: np.ndarray) -> Result:
        return self._engine.start(pictures) if len(pictures) else lambda: np.empty((0, self.dimensions), np.float32)
