"""Embedders over a real one, for what depends on when it answers or on its failing; and calls that run side by side."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice
from typing import Any

import numpy as np

from medsearch_pipeline.models.protocol import Embedder
from medsearch_pipeline.studies.embeddings import EMBEDDER_BATCHES


class Shares:
    """What share of a picture's pixels has each value. Takes as many batches as an embedder may hold before it looks at one."""

    model_id, model_version, engine, measurements, side, dimensions = "shares", "1", "numpy", None, 32, 256

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size

    def embed(self, pictures: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(picture.ravel(), minlength=256) / picture.size for picture in pictures]).astype(np.float32)

    def embed_batches(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        source, held = iter(batches), deque[np.ndarray]()
        while True:
            held.extend(islice(source, EMBEDDER_BATCHES - len(held)))
            if not held:
                return
            yield self.embed(held[0])
            held.popleft()


class Waiting:
    """The embedder, which answers once `go` is set."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder, self.go = embedder, threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)

    def embed(self, pictures: np.ndarray) -> np.ndarray:
        assert self.go.wait(300)
        return self._embedder.embed(pictures)


class Boundless(Waiting):
    """The embedder, as a model that divides by what may be nothing."""

    def embed(self, pictures: np.ndarray) -> np.ndarray:
        return np.asarray(self._embedder.embed(pictures) / np.float32(0))


class Failing(Waiting):
    """The embedder, which fails with a message that must not get out."""

    def embed(self, pictures: np.ndarray) -> np.ndarray:
        raise RuntimeError("Jane Doe cannot be embedded")


def first_to_end(call: Callable[[], Any], times: int, then: Callable[[], None]) -> tuple[Any, Sequence[Any]]:
    """So many calls at once: what the first gave that ended, and, after `then`, what all others gave."""
    with ThreadPoolExecutor(times) as pool:
        calls = [pool.submit(call) for _ in range(times)]
        done, _ = wait(calls, 60, FIRST_COMPLETED)
        then()
        first = done.pop()
        return first.result(), [each.result() for each in calls if each is not first]
