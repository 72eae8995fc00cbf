"""`Engine`: what runs a network, and the thread in which one on the processor works while the next batch is taken."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np

Result = Callable[[], np.ndarray]
"""Waits for the vectors, and gives them."""


class Engine(Protocol):
    """A network on a device."""

    name: str

    @property
    def batch_size(self) -> int:
        """Pictures worth handing over at once."""

    def start(self, pictures: np.ndarray) -> Result:
        """Begins with uint8 `[n, side, side, 3]`, to be left alone until the result, float32 `[n, dimensions]`, is there.

        Every result must be asked for, in the order of the starts.
        """


class Runner(Protocol):
    """An engine that computes in the thread that calls it."""

    name: str

    def run(self, pictures: np.ndarray) -> np.ndarray:
        """uint8 `[n, side, side, 3]` to float32 `[n, dimensions]`, each picture by itself."""


class InThread:
    """A runner in a thread of its own, one batch after the other."""

    def __init__(self, runner: Runner, batch_size: int) -> None:
        self.name, self._batch_size = runner.name, batch_size
        self._run = runner.run
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="engine")

    @property
    def batch_size(self) -> int:
        return self._batch_size

    def start(self, pictures: np.ndarray) -> Result:
        return self._thread.submit(self._run, pictures).result
