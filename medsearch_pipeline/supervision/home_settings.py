"""`settings.env` of a home folder: the settings of `medsearch up` or `demo`, for commands that look at what it started.

The user's own secrets are not in it: they come from the environment, `.env` or `--env-file`, as they did for `up`. The token
that `up` generated is in it, because nobody else knows it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from dotenv import dotenv_values

from medsearch_core.errors import ConfigurationError
from medsearch_core.settings import Deployment

DEFAULT_HOME = Path(".medsearch")
FILE = "settings.env"
SECRETS = ("_KEY", "_PASSWORD", "_SECRET", "_TOKEN", "_WEBHOOK")
"""How the names of secret settings end."""
PLACES = ("MEDSEARCH_WAREHOUSE", "MEDSEARCH_INDEX", "DAGSTER_HOME")


def write_home_settings(home: Path, environment: Mapping[str, str], given: Mapping[str, str]) -> None:
    """Writes an environment's settings. Only the user can read the file.

    Args:
        given: The user's variables, whose secrets are not written.

    Raises:
        ConfigurationError: it cannot be written.
    """
    kept = {name: value for name, value in environment.items() if _is_kept(name, is_given=given.get(name) == value)}
    lines = [f"{name}='{_escaped(value)}'\n" for name, value in sorted(kept.items())]
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


def require_deployment(settings: Deployment, environment: Mapping[str, str]) -> None:
    """Returns if an environment names a deployment, or the default places have one.

    Raises:
        ConfigurationError: there is none.
    """
    if not any(environment.get(name) for name in PLACES) and not Path(settings.warehouse).is_dir():
        raise ConfigurationError(
            f"no deployment here: give the --home of medsearch up or medsearch demo, or set {PLACES[0]} and {PLACES[1]}"
        )


def _is_kept(name: str, is_given: bool) -> bool:
    if name.startswith("MEDSEARCH_"):
        return not (is_given and name.endswith(SECRETS))
    return name.startswith("DAGSTER_") and not is_given


def _read(home: Path) -> dict[str, str]:
    found = dotenv_values(home / FILE, interpolate=False)
    return {name: value for name, value in found.items() if value is not None}


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")
