"""Permissions of fields that not every viewer may see.

Belongs here: permissions on fields, as in `source_key: str | None = identifier_field("...")`. Not here: who a viewer is, or the
guard that rejects viewers without a role.
"""

from typing import Any

import strawberry
from strawberry.permission import BasePermission, PermissionExtension

from medsearch_api.backends.context import Info
from medsearch_api.sign_in.viewer import Role
from medsearch_core.errors import MedsearchError


class Forbidden(MedsearchError):
    """The viewer's roles do not allow it. The message is shown to the viewer."""


class OnlyAdmins(BasePermission):
    """Allows admins only."""

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        """Whether the request's viewer is an admin."""
        return info.context.viewer.has(Role.ADMIN)

    def on_unauthorized(self) -> None:
        """Reject the field; the rest of the response is unaffected."""
        raise Forbidden("Only admins may see this field. Leave it out, or ask for the admin role.")


def only_admins() -> PermissionExtension:
    """Create an extension for a nullable field: for others than admins it is null, with an error with code FORBIDDEN."""
    return PermissionExtension([OnlyAdmins()], use_directives=False)


def identifier_field(description: str) -> Any:
    """Create a field that identifies a patient beyond the study key, visible to admins only. Its type must be nullable."""
    return strawberry.field(description=f"{description} Visible to admins only.", extensions=[only_admins()])
