"""What worker processes are given in tests: numbers and objects that come back, and some that a process dies of."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Iterator, Sequence
from multiprocessing.queues import Queue
from pathlib import Path

import psutil

from medsearch_core.storage.folder import Folder
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.workers.decoding import decoding_workers

CRASH, HANG, FILL, RAISE, WAIT, KILLED = -1, -2, -3, -4, -5, -6


def squares(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Each number's square and the process that found it."""
    for number in numbers:
        if number == CRASH:
            ctypes.string_at(0)
        if number == HANG:
            hang()
        if number == FILL:
            held = [bytearray(64 * 2**20) for _ in range(64)]
            os._exit(len(held))
        if number == WAIT:
            use_up(signal.ITIMER_REAL)
            time.sleep(3600)
        if number == KILLED:
            os.kill(os.getpid(), signal.SIGKILL)
        if number == RAISE:
            raise ValueError("not a number that can be squared")
        yield number * number, os.getpid()


def hang() -> None:
    """Decodes for ever."""
    use_up(signal.ITIMER_PROF)
    while True:
        pass


def use_up(timer: int) -> None:
    """All but a moment of the time that this item is given, if its worker set a limit: no test has to wait for it."""
    if signal.getitimer(timer)[0]:
        signal.setitimer(timer, 0.001)


def once_deadly(paths: Sequence[Path]) -> Iterator[str]:
    """Dies the first time that it is given a path, as a process that the machine killed."""
    for path in paths:
        if not path.exists():
            path.touch()
            os._exit(1)
        yield path.name


def endless(paths: Sequence[Path]) -> Iterator[None]:
    """Makes the path, and never comes to an end."""
    for path in paths:
        path.touch()
        time.sleep(3600)
        yield None


def environment_of(names: Sequence[str]) -> Iterator[str | None]:
    """The environment's values."""
    for name in names:
        yield os.environ.get(name)


def use_workers(told: Queue[list[int]]) -> None:
    """As a run does: takes the workers of a deployment, says which processes that started, and returns."""
    list(decoding_workers(Settings()).map(squares, range(4), 1, 4))
    told.put([process.pid for process in psutil.Process().children(recursive=True)])


class DeadlyFolder(Folder):
    """A landing folder in which some objects do to the process that reads them what a codec may."""

    def __reduce__(self) -> tuple[type[Folder], tuple[Path, bool]]:
        return DeadlyFolder, (self._folder, self._follows_links)

    def read(self, key: str) -> bytes:
        data = super().read(key)
        if "crash" in key:
            ctypes.string_at(0)
        if "hang" in key:
            hang()
        if "killed" in key:
            os.kill(os.getpid(), signal.SIGKILL)
        return data
