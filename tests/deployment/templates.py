"""Reads the CloudFormation templates of docker/aws, in the order in which they are deployed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from cfnlint.decode import decode

from tests.deployment.dockerfiles import FOLDER

AWS = FOLDER / "aws"
ORDER = ("network", "storage", "data", "identity", "cluster", "roles", "tasks", "services")


@cache
def template(name: str) -> dict[str, Any]:
    """A template, its short functions spelled out (``!Ref A`` is ``{"Ref": "A"}``)."""
    read, faults = decode(str(AWS / f"{name}.yaml"))
    assert not faults
    found: dict[str, Any] = read
    return found


def resources(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and properties of every resource of a kind, of all templates."""
    for name in ORDER:
        for key, resource in template(name)["Resources"].items():
            if resource["Type"] == kind:
                yield key, resource["Properties"]


def statements() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every policy, wherever it stands, with a path that says where."""

    def below(node: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(node, dict):
            if "Statement" in node:
                for statement in listed(node["Statement"]):
                    yield path, statement
            for key, value in node.items():
                yield from below(value, f"{path}.{key}")
        elif isinstance(node, list):
            for value in node:
                yield from below(value, path)

    for name in ORDER:
        for key, resource in template(name)["Resources"].items():
            yield from below(resource, f"{name}.{key}")


def functions(node: Any, name: str) -> Iterator[Any]:
    """The argument of every call of a function, at any depth."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == name:
                yield value
            yield from functions(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from functions(value, name)


def listed(value: Any) -> list[Any]:
    """What may stand alone or in a list, as a list."""
    return value if isinstance(value, list) else [value]
