"""Who is looking: a subject and roles. Every request that gets past the guard has one.

Belongs here: what a viewer is and how a request carries it. Not here: how one is recognised, or what a role may see.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from starlette.types import Scope

_KEY = "medsearch.viewer"


class Role(StrEnum):
    """What a viewer may do. An admin may do what a reader may."""

    READER = "reader"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Viewer:
    """The subject as the issuer names it, and the roles it has here. Neither belongs in a log."""

    subject: str = field(repr=False)
    roles: frozenset[Role] = frozenset()

    def has(self, role: Role) -> bool:
        """Whether the viewer may do what the role may."""
        return role in self.roles or Role.ADMIN in self.roles


NOBODY = Viewer("")
"""A viewer without any role."""


def parse_roles(names: Collection[str]) -> frozenset[Role]:
    """The roles of these names."""
    return frozenset(Role(name) for name in names)


def set_viewer(scope: Scope, viewer: Viewer) -> None:
    """Notes on the request who is looking."""
    scope[_KEY] = viewer


def get_viewer(scope: Scope) -> Viewer:
    """Who is looking; a request that no guard let in has a viewer without roles."""
    viewer: Any = scope.get(_KEY)
    return viewer if isinstance(viewer, Viewer) else NOBODY
