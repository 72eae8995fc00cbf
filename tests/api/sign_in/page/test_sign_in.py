"""The page's sign-in against a real issuer, as HTTP step by step."""

from __future__ import annotations

import logging
import re
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from starlette.testclient import TestClient

from medsearch_api.app import create_app
from medsearch_api.http.logs import JsonLines
from tests.support.oidc_issuer import CLIENT, NAME, SECRET, SUBJECT
from tests.support.oidc_settings import ANSWERED, ASKED, oidc_settings
from tests.support.page_sign_in import HOME, OWN, answer_of, cookies_of, sign_in


def test_signing_in_opens_a_session_for_queries_and_pictures(service):
    assert service.get("/session").json() == {"signIn": "oidc", "signedIn": False, "name": "", "roles": []}
    response = sign_in(service)
    assert (response.status_code, response.headers["location"]) == (303, "/")
    assert service.get("/session").json() == {"signIn": "oidc", "signedIn": True, "name": NAME, "roles": ["reader"]}
    assert service.post("/graphql", json=ASKED, headers=OWN).json() == ANSWERED
    assert service.get("/thumbnails/p1/s1/1.1.png").status_code == 200


def test_the_issuer_is_asked_for_a_code_with_pkce_state_and_nonce(service, issuer):
    asked = [parse_qs(urlsplit(service.get("/sign-in").headers["location"]).query) for _ in range(2)]
    assert {name: value for name, (value,) in asked[0].items() if name not in ("state", "nonce", "code_challenge")} == {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": f"{HOME}/sign-in/callback",
        "scope": "openid profile",
        "code_challenge_method": "S256",
    }
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[0][name][0]) == 43
        assert asked[0][name] != asked[1][name]


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(service):
    started = service.get("/sign-in")
    (pending,) = cookies_of(started).values()
    assert (pending["httponly"], pending["samesite"], pending["path"], pending["max-age"]) == (True, "lax", "/", "600")
    done = cookies_of(service.get(answer_of(started)))
    session = done["medsearch-session"]
    assert (session["httponly"], session["samesite"], session["path"], session["domain"]) == (True, "strict", "/", "")
    assert len(session.value) == 43
    assert done["medsearch-sign-in"]["max-age"] == "0"


def test_over_tls_cookies_are_secure_and_bound_to_the_host(hospital, issuer):
    settings = oidc_settings(hospital, issuer, api_public_url="https://search.example")
    with TestClient(create_app(settings), base_url="https://search.example", follow_redirects=False) as service:
        started = service.get("/sign-in")
        done = service.get(answer_of(started))
        for name, cookie in (cookies_of(started) | cookies_of(done)).items():
            assert name.startswith("__Host-medsearch-")
            assert (cookie["secure"], cookie["httponly"], cookie["path"], cookie["domain"]) == (True, True, "/", "")
        assert service.get("/thumbnails/p1/s1/1.1.png").status_code == 200


def test_a_confidential_client_says_its_secret_to_the_token_endpoint(hospital, issuer):
    issuer.secret = SECRET
    for secret, status in ((SECRET, 303), ("wrong", 400), (None, 400)):
        with TestClient(
            create_app(oidc_settings(hospital, issuer, api_oidc_client_secret=secret)), base_url=HOME, follow_redirects=False
        ) as service:
            assert sign_in(service).status_code == status


def is_refused(service: TestClient, response: httpx2.Response) -> bool:
    """Whether a sign-in was refused and left no session."""
    assert "medsearch-session" not in cookies_of(response)
    assert service.get("/session").json()["signedIn"] is False
    return response.status_code == 400


def test_an_answer_with_another_state_is_refused(service, issuer):
    address = answer_of(service.get("/sign-in"))
    assert is_refused(service, service.get(re.sub(r"state=[^&]+", "state=x", address)))
    assert issuer.asked["token"] == 0
    assert is_refused(service, service.get(address)), "the sign-in under way was for one answer"


@pytest.mark.parametrize(
    "change", [{"state": ""}, {"state": "é"}, {"error": "access_denied"}, {"code": ""}, {"iss": "https://another.example"}]
)
def test_an_answer_that_is_not_to_this_sign_in_is_refused(service, issuer, change):
    issuer.answer_changes = change
    assert is_refused(service, sign_in(service))
    assert issuer.asked["token"] == 0


def test_an_issuer_that_names_itself_must_do_so_every_time(hospital, issuer):
    issuer.discovery_changes = {"authorization_response_iss_parameter_supported": True}
    with TestClient(create_app(oidc_settings(hospital, issuer)), base_url=HOME, follow_redirects=False) as service:
        assert is_refused(service, sign_in(service))
        issuer.answer_changes = {"iss": issuer.url}
        assert sign_in(service).status_code == 303


def test_another_browsers_answer_is_refused(service, issuer):
    """Somebody who signs in and sends the last address to another does not sign the other in as themselves."""
    address = answer_of(service.get("/sign-in"))
    service.cookies.clear()
    assert is_refused(service, service.get(address))
    service.get("/sign-in")
    assert is_refused(service, service.get(address))
    assert issuer.asked["token"] == 0


@pytest.mark.parametrize(("part", "endpoint_asked"), [(1, 1), (2, 1)], ids=["nonce", "verifier"])
def test_a_nonce_or_verifier_that_does_not_match_is_refused(service, issuer, part, endpoint_asked):
    started = service.get("/sign-in")
    parts = service.cookies["medsearch-sign-in"].split(".")
    parts[part] = "A" * 43
    service.cookies.clear()
    service.cookies.set("medsearch-sign-in", ".".join(parts))
    assert is_refused(service, service.get(answer_of(started)))
    assert issuer.asked["token"] == endpoint_asked


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": None},
        {"nonce": "x"},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"exp": 1},
        {"iss": "https://another.example"},
        {"sub": "another"},
        {"token_use": "access"},
    ],
    ids=str,
)
def test_an_identity_token_that_does_not_fit_is_refused(service, issuer, changes):
    issuer.identity_changes = changes
    assert is_refused(service, sign_in(service))


def test_an_access_token_for_somebody_else_opens_no_session(service, issuer):
    issuer.access_changes = {"aud": "another", "groups": ["medsearch-reader"]}
    assert is_refused(service, sign_in(service))


def test_a_code_is_for_one_use(service):
    started = service.get("/sign-in")
    pending = service.cookies["medsearch-sign-in"]
    address = answer_of(started)
    assert service.get(address).status_code == 303
    service.cookies.clear()
    service.cookies.set("medsearch-sign-in", pending)
    assert is_refused(service, service.get(address))


def test_while_the_issuer_is_down_sign_in_says_so(service, issuer):
    started = service.get("/sign-in")
    address = answer_of(started)
    issuer.is_failing = True
    assert service.get(address).status_code == 503
    assert service.get("/session").json()["signedIn"] is False


@pytest.mark.parametrize("query", ["?next=https://evil.example", "?redirect_uri=//evil.example", "?returnTo=/x"])
def test_no_address_in_a_request_is_followed(service, query):
    started = service.get(f"/sign-in{query}")
    assert "evil" not in started.headers["location"]
    assert service.get(answer_of(started) + query.replace("?", "&")).headers["location"] == "/"


"""A lifetime that has run out but for the leeway of half a minute."""


def test_signing_in_and_out_leaves_no_token_and_no_claim_in_a_log(service, issuer, caplog):
    issuer.gives_refresh_tokens = True
    with caplog.at_level(logging.INFO), caplog.at_level(logging.DEBUG, "medsearch"):
        started = service.get("/sign-in")
        issuer.given.append(service.cookies["medsearch-sign-in"].split(".")[2])
        service.get(answer_of(started))
        issuer.given.append(service.cookies["medsearch-session"])
        service.post("/graphql", json=ASKED, headers=OWN)
        service.post("/sign-out", json={}, headers=OWN)
        issuer.identity_changes = {"nonce": "private-nonce"}
        sign_in(service)
    by_browser = (f"{HOME}/", "/authorize?", "/approve?")
    lines = [(record.name, JsonLines().format(record)) for record in caplog.records]
    said = "\n".join(
        line for name, line in lines if not name.startswith("httpx") or not any(part in line for part in by_browser)
    )
    assert f"POST {issuer.url}/token" in said
    assert '"route":"/sign-in/callback","status":303' in said
    assert "a sign-in failed: token: nonce" in said
    for secret in [*issuer.given, SUBJECT, NAME, CLIENT, "private-"]:
        assert secret not in said
