"""The folder of Dagster's configuration and state, `DAGSTER_HOME`."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medsearch_core.errors import ConfigurationError

DAGSTER_YAML = Path(__file__).resolve().parents[2] / "dagster.yaml"
LOCK = "supervisor.lock"
ATTEMPTS, PAUSE_SECONDS = 5, 0.1
"""`stopped_at` holds the lock for an instant."""


def prepare_dagster_home(home: Path, is_kept: bool = True) -> None:
    """Creates the folder with the project's dagster.yaml. An existing file is kept if `is_kept`, otherwise replaced.

    Raises:
        ConfigurationError: it cannot be written, or the project's file is missing.
    """
    file = home / "dagster.yaml"
    if is_kept and file.exists():
        return
    if not DAGSTER_YAML.exists():
        raise ConfigurationError(f"{DAGSTER_YAML} is missing: run from a checkout, or put a dagster.yaml into {home}")
    try:
        home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(DAGSTER_YAML, file)
    except OSError as error:
        raise ConfigurationError(f"{home} (DAGSTER_HOME) cannot be written: {error.strerror}") from error


@contextmanager
def hold_dagster_home(home: Path) -> Iterator[None]:
    """Locks the folder against a second supervisor: two daemons on one SQLite database would start every run twice.

    Raises:
        ConfigurationError: another process holds it.
    """
    with (home / LOCK).open("w") as lock:
        for attempt in range(ATTEMPTS):
            if _lock(lock.fileno(), fcntl.LOCK_EX):
                break
            if attempt < ATTEMPTS - 1:
                time.sleep(PAUSE_SECONDS)
        else:
            raise ConfigurationError(f"{home} (DAGSTER_HOME) is in use by another medsearch: stop it, or give another --home")
        try:
            yield
        finally:
            os.utime(lock.fileno())


def stopped_at(home: Path) -> float | None:
    """When the last supervisor of the folder stopped, in seconds since the epoch; None if one runs, or none ever did.

    If it was killed, the time is that of its start.
    """
    try:
        with (home / LOCK).open() as lock:
            return os.fstat(lock.fileno()).st_mtime if _lock(lock.fileno(), fcntl.LOCK_SH) else None
    except OSError:
        return None


def _lock(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
