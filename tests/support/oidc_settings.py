"""How tests configure a service that believes an issuer, and a query with its answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medsearch_api.settings import Settings
from tests.support.api_client import settings_of
from tests.support.oidc_issuer import CLIENT, OidcIssuer

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


def ask(client, token, query=ASKED):
    return client.post("/graphql", json=query, headers={"authorization": f"Bearer {token}"})


def is_refused(response) -> bool:
    """Whether a response is the refusal of a token, as RFC 6750 section 3 has it, and nothing more."""
    assert response.headers["www-authenticate"] == 'Bearer realm="medsearch", error="invalid_token"'
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "UNAUTHENTICATED"}
    return response.status_code == 401
