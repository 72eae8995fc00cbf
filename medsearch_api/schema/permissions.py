"""Fields that not every viewer may see.

Belongs here: permissions that types put on their fields, as in `source_key: str | None = identifying("...")`. Not here: who a
viewer is, or the guard that keeps out those without any role.
"""

from typing import Any

import strawberry
from strawberry.permission import BasePermission, PermissionExtension

from medsearch_api.backends.context import Info
from medsearch_api.sign_in.viewer import Role
from medsearch_core.errors import MedsearchError


class Forbidden(MedsearchError):
    """The viewer's roles do not allow it. The message is for the viewer."""


class OnlyAdmins(BasePermission):
    """Allows viewers who are admins."""

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        """Whether this request's viewer is one."""
        return info.context.viewer.has(Role.ADMIN)

    def on_unauthorized(self) -> None:
        """Refuses the field; the rest of the answer stands."""
        raise Forbidden("Only admins may see this.")


def only_admins() -> PermissionExtension:
    """For `extensions` of a field, which must be nullable: what is refused is null, beside an error with the code FORBIDDEN."""
    return PermissionExtension([OnlyAdmins()], use_directives=False)


def identifier_field(description: str) -> Any:
    """A plain field that identifies a patient beyond the study's key: only admins see it. Its type must be nullable."""
    return strawberry.field(description=f"{description} Only for admins.", extensions=[only_admins()])
