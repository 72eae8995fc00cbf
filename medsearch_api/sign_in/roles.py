"""The mapping of a token's claims to roles.

The claim is configured by its name (`cognito:groups`, `scope`) or by a path into nested objects (`realm_access.roles`,
Keycloak). Its value is a list of strings or a string; `scope` and `scp` are space-separated (RFC 8693 section 4.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medsearch_api.sign_in.options import OidcOptions
from medsearch_api.sign_in.viewer import Role

_SPACE_SEPARATED = frozenset({"scope", "scp"})


def roles_from_claims(claims: Mapping[str, Any], options: OidcOptions) -> frozenset[Role]:
    """Return the roles that the claims grant; none if the claim is missing or does not contain strings."""
    values = _claim_values(claims, options.roles_claim)
    named = {Role.READER: options.reader_values, Role.ADMIN: options.admin_values}
    return frozenset(role for role, giving in named.items() if values & giving)


def _claim_values(claims: Mapping[str, Any], claim: str) -> frozenset[str]:
    value = claims[claim] if claim in claims else _nested(claims, claim)
    if isinstance(value, str):
        return frozenset(value.split() if claim in _SPACE_SEPARATED else [value])
    if isinstance(value, list):
        return frozenset(v for v in value if isinstance(v, str))
    return frozenset()


def _nested(claims: Mapping[str, Any], path: str) -> Any:
    value: Any = claims
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
