"""Bearer tokens of a real issuer: which are believed."""

from __future__ import annotations

import base64
import json
import logging
import re
import time

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey
from starlette.testclient import TestClient

from medsearch_api.app import create_app
from medsearch_api.http.logs import JsonLines
from tests.support.oidc_issuer import CLIENT, SUBJECT, issuing, rsa, signed_with_public_key
from tests.support.oidc_settings import ANSWERED, ASKED, ask, is_refused, oidc_settings


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
    ids=lambda value: value if isinstance(value, str) else "key",
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
    assert re.findall(r'a token was rejected: ([a-z_ ]+)"', said) == [
        "expired_token",
        "audience",
        "unknown key",
        "bad_signature",
    ]
    for secret in [*issuer.given, *(part for token in issuer.given for part in token.split(".") if part), SUBJECT, "private-"]:
        assert secret not in said
