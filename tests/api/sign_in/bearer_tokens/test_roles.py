"""Which roles a token gives, and what only admins see."""

from __future__ import annotations

import json

import pytest
from starlette.testclient import TestClient

from medsearch_api.app import create_app
from medsearch_api.sign_in.options import read_oidc_options
from medsearch_api.sign_in.roles import roles_from_claims
from medsearch_api.sign_in.viewer import Role, Viewer, get_viewer
from tests.support.api_client import settings_of
from tests.support.oidc_issuer import CLIENT
from tests.support.oidc_settings import ask, oidc_settings

COGNITO = {
    "token_use": "access",
    "aud": None,
    "client_id": CLIENT,
    "version": 2,
    "scope": "openid medsearch/read",
    "groups": None,
}


KEYCLOAK = {"typ": "Bearer", "azp": CLIENT, "aud": [CLIENT, "account"], "acr": "1", "groups": None}


AS_COGNITO = {
    "api_oidc_roles_claim": "cognito:groups",
    "api_oidc_reader_values": "radiologists, fellows",
    "api_oidc_admin_values": "stewards",
}


AS_KEYCLOAK = {
    "api_oidc_roles_claim": "realm_access.roles",
    "api_oidc_reader_values": "reader",
    "api_oidc_admin_values": "admin",
}


BY_SCOPE = {
    "api_oidc_roles_claim": "scope",
    "api_oidc_reader_values": "medsearch/read",
    "api_oidc_admin_values": "medsearch/all",
}


@pytest.mark.parametrize(
    ("settings", "claims", "status"),
    [
        (AS_COGNITO, COGNITO | {"cognito:groups": ["fellows"]}, 200),
        (AS_COGNITO, COGNITO | {"cognito:groups": ["stewards"]}, 200),
        (AS_COGNITO, COGNITO | {"cognito:groups": ["visitors"]}, 403),
        (AS_COGNITO, COGNITO, 403),
        (AS_COGNITO, COGNITO | {"token_use": "id", "cognito:groups": ["fellows"]}, 401),
        (AS_KEYCLOAK, KEYCLOAK | {"realm_access": {"roles": ["offline_access", "reader"]}}, 200),
        (AS_KEYCLOAK, KEYCLOAK | {"realm_access": {"roles": ["offline_access"]}}, 403),
        (AS_KEYCLOAK, KEYCLOAK | {"realm_access": "reader"}, 403),
        (AS_KEYCLOAK, KEYCLOAK | {"typ": "ID", "realm_access": {"roles": ["reader"]}}, 401),
        (BY_SCOPE, COGNITO, 200),
        (BY_SCOPE, COGNITO | {"scope": "openid medsearch/reader"}, 403),
    ],
)
def test_tokens_in_the_shapes_of_cognito_and_keycloak(hospital, issuer, settings, claims, status):
    with TestClient(create_app(oidc_settings(hospital, issuer, **settings))) as service:
        response = ask(service, issuer.access_token(**claims))
        assert response.status_code == status
        if status == 403:
            assert response.headers["www-authenticate"] == 'Bearer realm="medsearch", error="insufficient_scope"'
            assert response.json()["errors"][0]["extensions"] == {"code": "FORBIDDEN"}


@pytest.mark.parametrize(
    ("claim", "claims", "roles"),
    [
        ("groups", {"groups": ["r"]}, {"reader"}),
        ("groups", {"groups": ["a", "r"]}, {"reader", "admin"}),
        ("groups", {"groups": "a"}, {"admin"}),
        ("groups", {"groups": "x a"}, set()),
        ("groups", {"groups": [["a"], {"a": 1}, 7]}, set()),
        ("groups", {"groups": {"a": True}}, set()),
        ("scp", {"scp": "x a"}, {"admin"}),
        ("https://example.org/roles", {"https://example.org/roles": ["a"]}, {"admin"}),
        ("resource_access.search.roles", {"resource_access": {"search": {"roles": ["r"]}}}, {"reader"}),
        ("resource_access.search.roles", {"resource_access": {"other": {"roles": ["r"]}}}, set()),
    ],
    ids=lambda value: " ".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_roles_come_from_the_named_claim_alone(hospital, claim, claims, roles):
    settings = oidc_settings(
        hospital, "https://i.example", api_oidc_roles_claim=claim, api_oidc_reader_values="r", api_oidc_admin_values="a"
    )
    assert roles_from_claims({"sub": "a", "other": ["a", "r"], **claims}, read_oidc_options(settings)) == roles


SOURCE = {"query": '{ image(id: "1.1") { id provenance { sourceKey sha256 } report { provenance { sourceKey } } } }'}


def test_only_admins_see_what_names_patients_beyond_the_studys_key(service, issuer):
    answer = ask(service, issuer.access_token(groups=["medsearch-admin"]), SOURCE).json()
    assert "errors" not in answer
    assert answer["data"]["image"]["provenance"]["sourceKey"] == "files/p1/s1/1.1.dcm"

    answer = ask(service, issuer.access_token(), SOURCE).json()
    assert answer["data"]["image"]["provenance"]["sourceKey"] is None
    assert len(answer["data"]["image"]["provenance"]["sha256"]) == 64
    assert answer["data"]["image"]["report"]["provenance"] == {"sourceKey": None}
    assert [(e["extensions"]["code"], e["path"][-1]) for e in answer["errors"]] == [("FORBIDDEN", "sourceKey")] * 2
    assert "files/p1" not in json.dumps(answer)


@pytest.mark.parametrize(("role", "shown"), [("reader", None), ("admin", "files/p1/s1/1.1.dcm")])
def test_in_development_the_setting_gives_the_role(hospital, role, shown):
    app = create_app(settings_of(hospital, api_development_role=role))
    client = TestClient(app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50000))
    assert client.post("/graphql", json=SOURCE).json()["data"]["image"]["provenance"]["sourceKey"] == shown
    assert client.get("/session").json() == {"signIn": "development", "signedIn": True, "name": "", "roles": [role]}


def test_a_request_that_no_guard_let_in_has_no_role():
    assert not get_viewer({"type": "http"}).has(Role.READER)
    assert Viewer("x", frozenset({Role.ADMIN})).has(Role.READER)
    assert not Viewer("x", frozenset({Role.READER})).has(Role.ADMIN)
