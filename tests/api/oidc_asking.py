"""How tests configure a service that believes an issuer, and a query with its answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from api_asking import settings_of
from oidc_issuer import CLIENT, OidcIssuer

from medsearch_api.settings import Settings

ASKED = {"query": "{ index { images } }"}
ANSWERED = {"data": {"index": {"images": 5}}}


def oidc_settings(hospital: Path, issuer: OidcIssuer | str, **others: Any) -> Settings:
    """The settings of a service that believes this issuer."""
    chosen = {
        "api_sign_in": "oidc",
        "api_public_url": "http://localhost:8000",
        "api_oidc_issuer": issuer if isinstance(issuer, str) else issuer.url,
        "api_oidc_client_id": CLIENT,
        "api_oidc_roles_claim": "groups",
    }
    return settings_of(hospital, **(chosen | others))
