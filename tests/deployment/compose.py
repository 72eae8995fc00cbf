"""Reads docker/compose.yaml as Compose does, so far as it is used here: variables, merges, nothing else."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.support.paths import PROJECT_ROOT

ROOT = PROJECT_ROOT
FOLDER = ROOT / "docker"
SECRETS = (
    "DAGSTER_POSTGRES_PASSWORD",
    "MEDSEARCH_EMBEDDER_TOKEN",
    "MEDSEARCH_INDEX_PASSWORD",
    "STORE_PIPELINE_SECRET",
    "STORE_ROOT_SECRET",
    "STORE_SERVICE_SECRET",
)
GIVEN = dict.fromkeys(SECRETS, "given")
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<how>[-?])(?P<word>[^}]*))?\}")


class Refused(Exception):
    """What Compose says before it starts anything."""


def composed(environment: dict[str, str], name: str = "compose.yaml") -> dict[str, Any]:
    """The file as Compose reads it: ``${A:-b}`` is b, and ``${A:?b}`` ends with b, where A is unset or empty.

    Raises:
        Refused: a variable is missing.
    """

    def value(found: re.Match[str]) -> str:
        if given := environment.get(found["name"]):
            return given
        if found["how"] == "?":
            raise Refused(f"{found['name']}: {found['word']}")
        return found["word"] or ""

    def filled(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: filled(each) for key, each in node.items()}
        if isinstance(node, list):
            return [filled(each) for each in node]
        return _VARIABLE.sub(value, node) if isinstance(node, str) else node

    read: dict[str, Any] = filled(yaml.safe_load((FOLDER / name).read_text(encoding="utf-8")))
    return read
