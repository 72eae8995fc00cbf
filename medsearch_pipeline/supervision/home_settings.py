"""`settings.env` of a home folder: what `medsearch up` or `demo` set, for commands that look at what it started.

The user's own variables are not in it: they come from the environment or from `.env`, as they did for `up`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from dotenv import dotenv_values

from medsearch_core.errors import ConfigurationError

DEFAULT_HOME = Path(".medsearch")
FILE = "settings.env"
PREFIXES = ("MEDSEARCH_", "DAGSTER_")
PLACES = ("MEDSEARCH_WAREHOUSE", "MEDSEARCH_INDEX", "DAGSTER_HOME")


def write_home_settings(home: Path, environment: Mapping[str, str], given: Mapping[str, str]) -> None:
    """Writes the variables of an environment that differ from those the user gave. Only the user can read the file.

    Raises:
        ConfigurationError: it cannot be written.
    """
    own = {name: value for name, value in environment.items() if name.startswith(PREFIXES) and given.get(name) != value}
    lines = [f"{name}='{_escaped(value)}'\n" for name, value in sorted(own.items())]
    try:
        home.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(home / FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.writelines(lines)
    except OSError as error:
        raise ConfigurationError(f"{home / FILE} cannot be written: {error.strerror}") from error


def use_home_settings(home: Path | None, environment: MutableMapping[str, str]) -> None:
    """Adds a home's settings to an environment.

    Args:
        home: Its settings override the environment's. None means the default home, whose settings only complete an environment
            that names no other warehouse, index or DAGSTER_HOME.

    Raises:
        ConfigurationError: the named home has no settings.
    """
    if home is not None:
        if not (home / FILE).is_file():
            raise ConfigurationError(f"{home} has no {FILE}: give the --home of medsearch up or medsearch demo")
        environment.update(_read(home))
        return
    if environment.get("PYTHON_DOTENV_DISABLED"):
        return
    default = _read(DEFAULT_HOME)
    if all(environment.get(name, default.get(name)) == default.get(name) for name in PLACES):
        environment.update({name: value for name, value in default.items() if not environment.get(name)})


def _read(home: Path) -> dict[str, str]:
    found = dotenv_values(home / FILE, interpolate=False)
    return {name: value for name, value in found.items() if value is not None}


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")
