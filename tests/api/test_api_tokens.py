"""Bearer tokens of a real issuer: which are believed, what roles they give, and what happens when keys cannot be had."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
import time
from collections.abc import Iterator

import pytest
from api_asking import settings_of
from joserfc.jwk import ECKey, OctKey, OKPKey
from oidc_asking import ANSWERED, ASKED, oidc_settings
from oidc_issuer import CLIENT, SUBJECT, OidcIssuer, issuing, rsa, signed_with_public_key
from starlette.testclient import TestClient

from medsearch_api.app import create_app
from medsearch_api.logs import JsonLines
from medsearch_api.sign_in.issuer import FRESH_S, KEPT_S, PAUSE_S, Issuer, IssuerUnavailable
from medsearch_api.sign_in.options import oidc_options
from medsearch_api.sign_in.roles import roles_of
from medsearch_api.sign_in.viewer import Role, Viewer, viewer_of
from medsearch_core.errors import ConfigurationError


@pytest.fixture
def issuer() -> Iterator[OidcIssuer]:
    with issuing() as issuer:
        yield issuer


@pytest.fixture
def service(hospital, issuer) -> Iterator[TestClient]:
    with TestClient(create_app(oidc_settings(hospital, issuer)), base_url="http://localhost:8000") as client:
        yield client


def ask(client, token, query=ASKED):
    return client.post("/graphql", json=query, headers={"authorization": f"Bearer {token}"})


def is_refused(response) -> bool:
    """Whether a response is the refusal of a token, as RFC 6750 section 3 has it, and nothing more."""
    assert response.headers["www-authenticate"] == 'Bearer realm="medsearch", error="invalid_token"'
    assert response.json() == {
        "errors": [{"message": "This token is not accepted.", "extensions": {"code": "UNAUTHENTICATED"}}]
    }
    return response.status_code == 401


def test_a_good_token_is_answered(service, issuer):
    response = ask(service, issuer.access_token())
    assert (response.status_code, response.json()) == (200, ANSWERED)


@pytest.mark.parametrize(
    ("alg", "key"),
    [
        ("RS256", rsa("k")),
        ("PS256", rsa("k")),
        ("ES256", ECKey.generate_key("P-256", {"kid": "k"})),
        ("EdDSA", OKPKey.generate_key("Ed25519", {"kid": "k"})),
        ("Ed25519", OKPKey.generate_key("Ed25519", {"kid": "k"})),
    ],
    ids=str,
)
def test_every_listed_algorithm_is_believed_with_its_own_kind_of_key(service, issuer, alg, key):
    issuer.keys = [key]
    assert ask(service, issuer.access_token(alg=alg)).json() == ANSWERED


@pytest.mark.parametrize("alg", ["RS384", "RS512", "PS384", "PS512"])
def test_an_algorithm_that_is_not_listed_is_refused(service, issuer, alg):
    assert is_refused(ask(service, issuer.access_token(alg=alg)))


def test_a_key_of_another_kind_than_the_algorithm_is_refused(service, issuer):
    issuer.keys = [rsa("shared"), rsa("other")]
    other_kind = ECKey.generate_key("P-256", {"kid": "shared"})
    assert is_refused(ask(service, issuer.access_token(key=other_kind, alg="ES256")))


def test_a_key_kept_for_one_algorithm_is_refused_with_another(service, issuer):
    issuer.keys = [type(issuer.keys[0]).generate_key(2048, {"kid": "k", "alg": "PS256"})]
    token = issuer.access_token(key=type(issuer.keys[0]).import_key(issuer.keys[0].as_dict(private=True) | {"alg": "RS256"}))
    assert is_refused(ask(service, token))
    assert ask(service, issuer.access_token(alg="PS256")).json() == ANSWERED


def test_an_rsa_key_that_is_too_short_is_not_used(service, issuer):
    issuer.keys = [rsa("good"), rsa("short", 1024)]
    assert is_refused(ask(service, issuer.access_token()))
    assert ask(service, issuer.access_token(key=issuer.keys[0])).json() == ANSWERED


def test_a_token_without_a_signature_is_refused(service, issuer):
    assert is_refused(ask(service, issuer.access_token(alg="none")))
    header, payload, _ = issuer.access_token().split(".")
    assert is_refused(ask(service, f"{header}.{payload}."))
    for alg in ("none", "None", "NONE", ""):
        claimed = base64.urlsafe_b64encode(json.dumps({"alg": alg, "kid": "rsa-1"}).encode()).rstrip(b"=").decode()
        assert is_refused(ask(service, f"{claimed}.{payload}."))


@pytest.mark.parametrize("encoding", ["PEM", "DER"])
def test_the_public_key_is_no_shared_secret(service, issuer, encoding):
    token = signed_with_public_key(issuer.access_token(), issuer.keys[0], encoding)
    assert is_refused(ask(service, token))


def test_a_shared_secret_in_the_key_set_is_not_used(service, issuer):
    secret = OctKey.import_key({"kty": "oct", "k": "c2VjcmV0", "kid": "oct-1"})
    assert is_refused(ask(service, issuer.access_token(key=secret, alg="HS256")))


@pytest.mark.parametrize("says_kid", [True, False])
def test_keys_that_a_token_brings_along_are_ignored(service, issuer, says_kid):
    """Neither an embedded key nor the address of one (RFC 7515 sections 4.1.2 to 4.1.8) is believed or fetched."""
    foreign = rsa("foreign")
    with issuing() as attacker:
        attacker.keys = [foreign]
        header = {"jwk": foreign.as_dict(private=False), "jku": f"{attacker.url}/keys", "x5u": f"{attacker.url}/keys"}
        kid = {"kid": "rsa-1" if says_kid else "foreign"}
        assert is_refused(ask(service, issuer.access_token(key=foreign, header=header | kid)))
        assert attacker.asked == {}
        assert ask(service, issuer.access_token(header=header)).json() == ANSWERED
        assert attacker.asked == {}


def test_a_signature_over_other_claims_is_refused(service, issuer):
    header, _, signature = issuer.access_token(groups=[]).split(".")
    _, payload, _ = issuer.access_token(groups=["medsearch-admin"]).split(".")
    assert is_refused(ask(service, f"{header}.{payload}.{signature}"))


NOW = time.time


@pytest.mark.parametrize(
    ("claims", "is_believed"),
    [
        ({"exp": -5}, True),
        ({"exp": -60}, False),
        ({"nbf": 5}, True),
        ({"nbf": 60}, False),
        ({"iat": 5}, True),
        ({"iat": 60}, False),
        ({"exp": None}, False),
    ],
    ids=str,
)
def test_times_hold_within_half_a_minute(service, issuer, claims, is_believed):
    given = {name: None if seconds is None else int(NOW()) + seconds for name, seconds in claims.items()}
    response = ask(service, issuer.access_token(**given))
    assert response.json() == ANSWERED if is_believed else is_refused(response)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": "9999999999"},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": True},
        {"sub": 7},
        {"sub": ""},
        {"sub": None},
    ],
)
def test_claims_of_another_type_are_refused(service, issuer, claims):
    token = issuer.access_token(
        **{n: v for n, v in claims.items() if v is not None} | {n: None for n, v in claims.items() if v is None}
    )
    assert is_refused(ask(service, token))


@pytest.mark.parametrize("change", ["/", "x", None])
def test_another_issuer_is_refused(service, issuer, change):
    assert is_refused(ask(service, issuer.access_token(iss=None if change is None else issuer.url + change)))


@pytest.mark.parametrize(
    ("settings", "claims", "is_believed"),
    [
        ({}, {"aud": CLIENT}, True),
        ({}, {"aud": ["account", CLIENT]}, True),
        ({}, {"aud": "another"}, False),
        ({}, {"aud": []}, False),
        ({}, {"aud": "another", "client_id": CLIENT}, False),
        ({}, {"aud": None}, False),
        ({}, {"aud": None, "client_id": CLIENT}, True),
        ({}, {"aud": None, "client_id": "another"}, False),
        ({"api_oidc_audience": "search-api"}, {"aud": "search-api"}, True),
        ({"api_oidc_audience": "search-api"}, {"aud": CLIENT}, False),
        ({"api_oidc_audience": "search-api"}, {"aud": None, "client_id": CLIENT}, False),
    ],
    ids=str,
)
def test_a_token_must_be_made_for_this_service(hospital, issuer, settings, claims, is_believed):
    with TestClient(create_app(oidc_settings(hospital, issuer, **settings))) as service:
        response = ask(service, issuer.access_token(**claims))
        assert response.json() == ANSWERED if is_believed else is_refused(response)


@pytest.mark.parametrize(
    "claims", [{"token_use": "id"}, {"typ": "ID"}, {"typ": "Refresh"}, {"at_hash": "x"}, {"cnf": {"jkt": "x"}}], ids=str
)
def test_a_token_for_another_use_is_refused(service, issuer, claims):
    assert is_refused(ask(service, issuer.access_token(**claims)))


@pytest.mark.parametrize("typ", ["logout+jwt", "JOSE+JSON", "dpop+jwt"])
def test_a_signed_thing_of_another_type_is_refused(service, issuer, typ):
    assert is_refused(ask(service, issuer.access_token(header={"typ": typ})))
    assert ask(service, issuer.access_token(header={"typ": "at+jwt"})).json() == ANSWERED


@pytest.mark.parametrize(
    "said",
    [
        "Basic eDp5",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer a.b.c",
        "Bearer é",
        "Bearer " + "e30." * 3,
        "Bearer " + "a" * 20_000,
    ],
)
def test_what_is_no_token_is_refused(service, said):
    assert is_refused(service.post("/graphql", json=ASKED, headers={"authorization": said.encode()}))


def test_an_unknown_critical_header_is_refused(service, issuer):
    header = base64.urlsafe_b64encode(b'{"alg":"RS256","kid":"rsa-1","crit":["exp2"],"exp2":1}').rstrip(b"=").decode()
    _, payload, signature = issuer.access_token().split(".")
    assert is_refused(ask(service, f"{header}.{payload}.{signature}"))


CLOSED = [
    "/graphql",
    "/thumbnails/p1/s1/1.1.png",
    "/nowhere",
    "/sign-in/",
    "/sign-in/other",
    "/health2",
    "//static/main.js",
    "/static/../graphql",
]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("address", CLOSED)
def test_without_a_token_everything_but_the_page_and_health_is_closed(service, method, address):
    response = service.request(method, f"http://localhost:8000{address}")
    assert (response.status_code, response.headers["www-authenticate"]) == (401, 'Bearer realm="medsearch"')
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("address", ["/", "/healthz", "/readyz", "/metrics", "/static/main.js", "/session"])
def test_the_page_and_health_are_open(service, issuer, address):
    assert service.get(address).status_code == 200
    assert issuer.asked == {}


def test_a_thumbnail_is_given_to_who_brings_a_token(service, issuer):
    response = service.get("/thumbnails/p1/s1/1.1.png", headers={"authorization": f"bearer {issuer.access_token()}"})
    assert (response.status_code, response.headers["content-type"]) == (200, "image/png")


def test_a_rotated_key_is_fetched_once_it_is_needed(service, issuer, monkeypatch):
    assert ask(service, issuer.access_token()).json() == ANSWERED
    assert issuer.asked["keys"] == 1
    monkeypatch.setattr("medsearch_api.sign_in.issuer.PAUSE_S", 0)
    old, issuer.keys = issuer.keys[0], [rsa("rsa-2")]
    assert ask(service, issuer.access_token()).json() == ANSWERED
    assert issuer.asked["keys"] == 2
    assert is_refused(ask(service, issuer.access_token(key=old)))


def test_a_flood_of_unknown_keys_does_not_reach_the_issuer(service, issuer):
    assert ask(service, issuer.access_token()).json() == ANSWERED
    foreign = rsa("x")
    for number in range(40):
        token = issuer.access_token(key=foreign, header={"kid": f"unknown-{number}"})
        assert is_refused(ask(service, token))
    assert issuer.asked == {"discovery": 1, "keys": 1}
    assert ask(service, issuer.access_token()).json() == ANSWERED


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_unknown_keys_at_once_are_asked_for_once(issuer):
    async def flood() -> None:
        clock = Clock()
        asking = Issuer(issuer.url, clock)
        found = await asyncio.gather(*(asking.key("rsa-1" if i % 2 else f"unknown-{i}") for i in range(200)))
        assert [key is not None for key in found] == [bool(i % 2) for i in range(200)]
        assert issuer.asked == {"discovery": 1, "keys": 1}
        clock.now += PAUSE_S
        await asyncio.gather(*(asking.key(f"unknown-{i}") for i in range(200)))
        assert issuer.asked == {"discovery": 2, "keys": 2}

    asyncio.run(flood())


def test_keys_outlive_an_issuer_that_is_away_but_not_for_ever(issuer):
    async def outage() -> None:
        clock = Clock()
        asking = Issuer(issuer.url, clock)
        assert await asking.key("rsa-1")
        issuer.is_failing = True
        clock.now += FRESH_S + 1
        assert await asking.key("rsa-1")
        assert issuer.asked["discovery"] == 2
        assert await asking.key("rsa-1")
        assert issuer.asked["discovery"] == 2
        with pytest.raises(IssuerUnavailable):
            await asking.key("not-known")
        clock.now += KEPT_S
        with pytest.raises(IssuerUnavailable):
            await asking.key("rsa-1")
        issuer.is_failing = False
        clock.now += PAUSE_S
        assert await asking.key("rsa-1")

    asyncio.run(outage())


def test_a_withdrawn_key_is_forgotten_when_the_keys_are_read_again(issuer):
    async def withdrawn() -> None:
        clock = Clock()
        asking = Issuer(issuer.url, clock)
        assert await asking.key("rsa-1")
        issuer.keys = [rsa("rsa-2")]
        clock.now += FRESH_S + 1
        assert await asking.key("rsa-1") is None
        assert await asking.key(None)

    asyncio.run(withdrawn())


def test_a_service_without_keys_lets_nobody_in(hospital, issuer):
    with TestClient(create_app(oidc_settings(hospital, issuer))) as service:
        issuer.is_failing = True
        for _ in range(3):
            response = ask(service, issuer.access_token())
            assert (response.status_code, response.headers["retry-after"]) == (503, str(PAUSE_S))
            assert response.json()["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}
        assert issuer.asked == {"discovery": 1}


def test_an_issuer_that_does_not_answer_at_all_is_a_503(hospital, issuer):
    with TestClient(create_app(oidc_settings(hospital, "http://127.0.0.1:9"))) as service:
        assert ask(service, issuer.access_token()).status_code == 503


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://another.example"},
        {"issuer": None},
        {"jwks_uri": "http://another.example/keys"},
        {"jwks_uri": None},
        {"token_endpoint": "ftp://localhost/token"},
    ],
    ids=str,
)
def test_a_discovery_document_that_is_not_the_issuers_is_not_used(service, issuer, changes):
    issuer.discovery_changes = changes
    assert ask(service, issuer.access_token()).status_code == 503
    assert issuer.asked == {"discovery": 1}


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
    ids=str,
)
def test_roles_come_from_the_named_claim_alone(hospital, claim, claims, roles):
    settings = oidc_settings(
        hospital, "https://i.example", api_oidc_roles_claim=claim, api_oidc_reader_values="r", api_oidc_admin_values="a"
    )
    assert roles_of({"sub": "a", "other": ["a", "r"], **claims}, oidc_options(settings)) == roles


SOURCE = {"query": '{ image(id: "1.1") { id provenance { sourceKey sha256 } report { provenance { sourceKey } } } }'}


def test_only_admins_see_what_names_patients_beyond_the_studys_key(service, issuer):
    answer = ask(service, issuer.access_token(groups=["medsearch-admin"]), SOURCE).json()
    assert "errors" not in answer
    assert answer["data"]["image"]["provenance"]["sourceKey"] == "files/p1/s1/1.1.dcm"

    answer = ask(service, issuer.access_token(), SOURCE).json()
    assert answer["data"]["image"]["provenance"]["sourceKey"] is None
    assert len(answer["data"]["image"]["provenance"]["sha256"]) == 64
    assert answer["data"]["image"]["report"]["provenance"] == {"sourceKey": None}
    assert [(e["message"], e["extensions"]["code"], e["path"][-1]) for e in answer["errors"]] == [
        ("Only admins may see this.", "FORBIDDEN", "sourceKey")
    ] * 2
    assert "files/p1" not in json.dumps(answer)


@pytest.mark.parametrize(("role", "shown"), [("reader", None), ("admin", "files/p1/s1/1.1.dcm")])
def test_in_development_the_setting_gives_the_role(hospital, role, shown):
    app = create_app(settings_of(hospital, api_development_role=role))
    client = TestClient(app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50000))
    assert client.post("/graphql", json=SOURCE).json()["data"]["image"]["provenance"]["sourceKey"] == shown
    assert client.get("/session").json() == {"signIn": "development", "signedIn": True, "name": "", "roles": [role]}


def test_a_request_that_no_guard_let_in_has_no_role():
    assert not viewer_of({"type": "http"}).has(Role.READER)
    assert Viewer("x", frozenset({Role.ADMIN})).has(Role.READER)
    assert not Viewer("x", frozenset({Role.READER})).has(Role.ADMIN)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"api_oidc_issuer": ""}, "MEDSEARCH_API_OIDC_ISSUER"),
        ({"api_oidc_client_id": ""}, "MEDSEARCH_API_OIDC_CLIENT_ID"),
        ({"api_oidc_roles_claim": ""}, "MEDSEARCH_API_OIDC_ROLES_CLAIM"),
        ({"api_public_url": ""}, "MEDSEARCH_API_PUBLIC_URL"),
        ({"api_oidc_issuer": "http://issuer.example"}, "https"),
        ({"api_oidc_issuer": "https://user:pass@issuer.example"}, "https"),
        ({"api_oidc_issuer": "https://issuer.example?x=1"}, "https"),
        ({"api_public_url": "http://search.example"}, "https"),
        ({"api_public_url": "https://search.example/below"}, "without path"),
        ({"api_oidc_reader_values": " , ", "api_oidc_admin_values": ""}, "nobody could be let in"),
        ({"api_oidc_scopes": "profile"}, "openid"),
    ],
    ids=str,
)
def test_sign_in_that_is_half_configured_starts_nothing(hospital, settings, said):
    with pytest.raises(ConfigurationError, match=said):
        create_app(oidc_settings(hospital, "https://issuer.example", **settings))


def test_with_sign_in_the_service_may_listen_beyond_loopback(hospital):
    settings = oidc_settings(
        hospital, "https://issuer.example", api_host="0.0.0.0", api_public_url="https://Search.Example:443/"
    )
    assert create_app(settings)
    assert oidc_options(settings).redirect_uri == "https://search.example/sign-in/callback"


def test_no_token_and_no_claim_stands_in_a_log(service, issuer, caplog):
    with caplog.at_level(logging.DEBUG):
        ask(service, issuer.access_token())
        ask(service, issuer.access_token(groups=["private-group"]))
        ask(service, issuer.access_token(exp=1))
        ask(service, issuer.access_token(aud="private-audience"))
        ask(service, issuer.access_token(key=rsa("private-key"), header={"kid": "private-kid"}))
        ask(service, issuer.access_token() + "x")
    said = "\n".join(f"{JsonLines().format(record)} {record.exc_text or ''}" for record in caplog.records)
    assert '"method":"POST","route":"-","status":401' in said
    assert re.findall(r'a token was refused: ([a-z_ ]+)"', said) == [
        "expired_token",
        "audience",
        "unknown key",
        "bad_signature",
    ]
    for secret in [*issuer.given, *(part for token in issuer.given for part in token.split(".") if part), SUBJECT, "private-"]:
        assert secret not in said


def test_secrets_are_not_shown_by_settings_or_options(hospital):
    settings = oidc_settings(hospital, "https://issuer.example", **{"api_oidc_client_secret": "do-not-show"})
    assert "do-not-show" not in f"{settings!r} {oidc_options(settings)!r} {Viewer('do-not-show')!r}"
