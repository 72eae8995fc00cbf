"""The viewer: the signed-in subject and its roles. Every request admitted by the guard has one.

Belongs here: what a viewer is, and how a request carries it. Not here: how viewers sign in, or what a role may see.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from starlette.types import Scope

_KEY = "medsearch.viewer"


class Role(StrEnum):
    """A viewer's role. Admins may do everything that readers may."""

    READER = "reader"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Viewer:
    """The issuer's name for the subject, and its roles in this service. Neither may be logged."""

    subject: str = field(repr=False)
    roles: frozenset[Role] = frozenset()

    def has(self, role: Role) -> bool:
        """Whether the viewer has the role, directly or as an admin."""
        return role in self.roles or Role.ADMIN in self.roles


NOBODY = Viewer("")
"""A viewer without roles."""


def parse_roles(names: Collection[str]) -> frozenset[Role]:
    """Return the roles with these names."""
    return frozenset(Role(name) for name in names)


def set_viewer(scope: Scope, viewer: Viewer) -> None:
    """Store the viewer in the request's scope."""
    scope[_KEY] = viewer


def get_viewer(scope: Scope) -> Viewer:
    """Return the request's viewer; a request that no guard admitted has a viewer without roles."""
    viewer: Any = scope.get(_KEY)
    return viewer if isinstance(viewer, Viewer) else NOBODY
