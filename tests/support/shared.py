"""What the processes of one test run share: a folder, what only the first of them makes in it, and how long it is there."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

VARIABLE = "TESTS_SHARED_FOLDER"
CLOSING_SECONDS = 60.0


def share(config: pytest.Config) -> None:
    """Makes the folder, in the process that starts the others; it is removed when the run is over."""
    if hasattr(config, "workerinput"):
        return
    folder = Path(tempfile.mkdtemp(prefix="tests-"))
    os.environ[VARIABLE] = str(folder)
    os.mkfifo(folder / "alive")
    writer = os.open(folder / "alive", os.O_RDWR)

    def end() -> None:
        os.close(writer)
        deadline = time.monotonic() + CLOSING_SECONDS
        while _is_read(folder / "alive") and time.monotonic() < deadline:
            time.sleep(0.1)
        shutil.rmtree(folder, ignore_errors=True)

    config.add_cleanup(end)


def shared_folder() -> Path:
    """The run's folder."""
    return Path(os.environ[VARIABLE])


def end_of_run() -> int:
    """A descriptor that is at its end when the run is over, however that comes: for processes that outlive their starter."""
    return os.open(shared_folder() / "alive", os.O_RDONLY)


def made_once(name: str, fill: Callable[[Path], object]) -> Path:
    """A folder that the first process to ask for it fills, while others wait. No test may change it."""
    folder, done = shared_folder() / name, shared_folder() / f"{name}.done"
    with locked(name):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            fill(folder)
            done.touch()
    return folder


@contextmanager
def locked(name: str) -> Iterator[None]:
    """While one process of the run is here, no other is."""
    with (shared_folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_read(pipe: Path) -> bool:
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError as error:
        if error.errno == errno.ENXIO:
            return False
        raise
    return True
