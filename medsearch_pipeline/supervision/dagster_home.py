"""The folder of Dagster's configuration and state, `DAGSTER_HOME`."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medsearch_core.errors import ConfigurationError

DAGSTER_YAML = Path(__file__).resolve().parents[2] / "dagster.yaml"


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
    with (home / "supervisor.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigurationError(
                f"{home} (DAGSTER_HOME) is in use by another medsearch: stop it, or give another --home"
            ) from None
        yield
