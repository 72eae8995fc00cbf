"""Settings from the environment and from `.env`, with errors that name the setting, its value and what to do.

Every program reads its settings by `load_settings`: names that begin with `MEDSEARCH_` and are not a setting of the pipeline or
the service are rejected, because a mistyped name would otherwise leave the default in place unnoticed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar, get_args

from dotenv import load_dotenv
from pydantic import BaseModel, SecretStr, ValidationError

from medsearch_core.errors import ConfigurationError

PREFIX = "MEDSEARCH_"
ENV_FILE = Path(".env")
OTHER_NAMES = {
    "MEDSEARCH_CODE_HOST": "where Dagster's webserver and daemon find the code server, in docker/workspace.yaml",
    "MEDSEARCH_REGISTRY": "where docker/compose.yaml pulls images from",
    "MEDSEARCH_VERSION": "which images docker/compose.yaml starts",
}
"""Variables with the project's prefix that are not settings."""

_ADVICE = {
    "int_parsing": "give a whole number",
    "int_from_float": "give a whole number",
    "float_parsing": "give a number",
    "bool_parsing": "give true or false",
    "literal_error": "give {expected}",
    "greater_than_equal": "give at least {ge}",
    "greater_than": "give more than {gt}",
    "less_than_equal": "give at most {le}",
    "less_than": "give less than {lt}",
    "string_pattern_mismatch": "give text that matches {pattern}",
    "value_error": "{error}",
}
"""Pydantic's error type → what to do, with the error's context."""

_SettingsT = TypeVar("_SettingsT", bound=BaseModel)


def load_env_file(path: Path | None = None) -> None:
    """Adds the variables of a file to the environment; variables that are already set keep their values.

    Args:
        path: The file. None means `.env` in the current folder, if there is one.

    Raises:
        ConfigurationError: the named file does not exist, or cannot be read.
    """
    try:
        if path is not None and not path.is_file():
            raise ConfigurationError(f"there is no file {path}")
        load_dotenv((path or ENV_FILE).absolute())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path or ENV_FILE} cannot be read: {type(error).__name__}") from error


def load_settings(model: type[_SettingsT]) -> _SettingsT:
    """The settings of the environment.

    Raises:
        ConfigurationError: one line for each setting that is unknown or wrong. Secrets are not shown.
    """
    problems = unknown_settings(os.environ, setting_names() | OTHER_NAMES.keys())
    try:
        settings = model()
    except ValidationError as error:
        problems += setting_errors(error, model)
    if problems:
        raise ConfigurationError("\n".join(problems))
    return settings


def setting_names() -> frozenset[str]:
    """The names of all settings of pipeline and service, written by `make docs` because neither imports the other."""
    return frozenset(json.loads(files(__package__).joinpath("setting_names.json").read_text(encoding="utf-8")))


def unknown_settings(variables: Iterable[str], names: Collection[str]) -> list[str]:
    """A sentence for each variable with the project's prefix that is not one of the names. Values are not shown."""
    known = [name.removeprefix(PREFIX) for name in names]
    problems = []
    for variable in sorted(variables):
        name = variable.upper()
        if not name.startswith(PREFIX) or name in names:
            continue
        nearest = get_close_matches(name.removeprefix(PREFIX), known, n=1, cutoff=0.7)
        advice = f"did you mean {PREFIX}{nearest[0]}?" if nearest else "remove it (docs/settings.md lists all settings)"
        problems.append(f"{variable} is not a setting: {advice}")
    return problems


def setting_errors(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """A sentence for each wrong setting: its name, its value unless that is secret, and what to do."""
    sentences = []
    for fault in error.errors(include_url=False):
        name = str(fault["loc"][0]) if fault["loc"] else ""
        message = fault["msg"][0].lower() + fault["msg"][1:]
        advice = _ADVICE.get(fault["type"], message.replace("{", "{{").replace("}", "}}")).format(**fault.get("ctx", {}))
        value = "" if _is_secret(model, name) else f"={without_password(fault['input'])}"
        sentences.append(f"{PREFIX}{name.upper()}{value}: {advice}" if name else advice)
    return sentences


def without_password(value: Any) -> str:
    """A value as errors show it: a URL without its user and password."""
    return re.sub(r"(?<=://)\S*@", "***@", str(value))


def _is_secret(model: type[BaseModel], name: str) -> bool:
    annotation = model.model_fields[name].annotation if name in model.model_fields else None
    return annotation is SecretStr or SecretStr in get_args(annotation)
