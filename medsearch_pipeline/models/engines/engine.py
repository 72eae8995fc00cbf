"""`Engine`: runs a network; on a CPU in a thread, while the next batch is prepared."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np

IN_FLIGHT = 2
"""Batches an engine has at once: one in progress and one queued."""
Result = Callable[[], np.ndarray]
"""Waits for the vectors and returns them."""


class Engine(Protocol):
    """A network on a device."""

    name: str

    @property
    def batch_size(self) -> int:
        """The best number of images per call."""

    def start(self, pictures: np.ndarray) -> Result:
        """Starts on uint8 `[n, side, side, 3]`, which must not change until the result, float32 `[n, dimensions]`, is ready.

        Every result must be fetched, in the order of the starts.
        """


class Runner(Protocol):
    """An engine that computes in the calling thread."""

    name: str

    def run(self, pictures: np.ndarray) -> np.ndarray:
        """uint8 `[n, side, side, 3]` to float32 `[n, dimensions]`, each image independently."""


class InThread:
    """A runner in its own thread, one batch after the other."""

    def __init__(self, runner: Runner, batch_size: int) -> None:
        self.name, self._batch_size = runner.name, batch_size
        self._run = runner.run
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="engine")

    @property
    def batch_size(self) -> int:
        return self._batch_size

    def start(self, pictures: np.ndarray) -> Result:
        return self._thread.submit(self._run, pictures).result
