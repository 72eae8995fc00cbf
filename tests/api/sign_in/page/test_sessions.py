"""The page's sessions: what they let through, how they are renewed, and how they end."""

from __future__ import annotations

import time
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from medsearch_api.app import create_app
from medsearch_api.sign_in import modes as auth
from medsearch_api.sign_in import sessions as limits
from medsearch_api.sign_in.code_flow import CodeFlow, end_session_endpoint
from medsearch_api.sign_in.issuer import Metadata
from medsearch_api.sign_in.sessions import Session, Sessions
from medsearch_api.sign_in.viewer import NOBODY
from tests.support.oidc_issuer import CLIENT, NAME
from tests.support.oidc_settings import ASKED, oidc_settings
from tests.support.page_sign_in import HOME, OWN, cookies_of, sign_in


def test_every_sign_in_has_a_session_of_its_own_and_ends_the_one_before(service):
    sign_in(service)
    first = service.cookies["medsearch-session"]
    sign_in(service)
    assert service.cookies["medsearch-session"] != first
    service.cookies.clear()
    service.cookies.set("medsearch-session", first)
    assert service.get("/thumbnails/p1/s1/1.1.png").status_code == 401


@pytest.mark.parametrize(
    "headers", [{}, {"origin": "https://evil.example"}, {"origin": "null"}, {"origin": "http://localhost:3000"}]
)
def test_a_cookie_alone_does_nothing_but_read(service, headers):
    sign_in(service)
    assert service.post("/graphql", json=ASKED, headers=headers).status_code == 403
    assert service.post("/sign-out", json={}, headers=headers).status_code == 403
    assert service.get("/session").json()["signedIn"] is True


def test_signing_out_takes_json_by_post_alone(service):
    sign_in(service)
    assert service.get("/sign-out").status_code == 405
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        assert service.post("/sign-out", content="{}", headers=OWN | {"content-type": kind}).status_code == 415
    assert service.get("/session").json()["signedIn"] is True


def test_signing_out_ends_the_session_here_and_at_the_issuer(service, issuer):
    issuer.gives_refresh_tokens = True
    sign_in(service)
    session = service.cookies["medsearch-session"]
    response = service.post("/sign-out", json={}, headers=OWN)
    address = urlsplit(response.json()["address"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{issuer.url}/logout"
    assert parse_qs(address.query) == {
        "client_id": [CLIENT],
        "post_logout_redirect_uri": [f"{HOME}/"],
        "logout_uri": [f"{HOME}/"],
    }
    assert response.headers["clear-site-data"] == '"cache"'
    assert cookies_of(response)["medsearch-session"]["max-age"] == "0"
    assert len(issuer.revoked) == 1
    service.cookies.set("medsearch-session", session)
    assert service.get("/thumbnails/p1/s1/1.1.png").status_code == 401


def test_signing_out_works_without_a_session_and_without_the_issuer(hospital):
    with TestClient(create_app(oidc_settings(hospital, "http://127.0.0.1:9")), base_url=HOME) as service:
        assert service.post("/sign-out", json={}, headers=OWN).json() == {"address": f"{HOME}/"}


def metadata(authorize: str, end: str | None = None) -> Metadata:
    return Metadata(authorize, "https://d/token", "https://d/keys", end, None, True, False)


@pytest.mark.parametrize(
    ("issuer_url", "authorize", "end", "expected"),
    [
        (
            "https://cognito-idp.eu-west-1.amazonaws.com/p",
            "https://d.example/oauth2/authorize",
            None,
            "https://d.example/logout",
        ),
        (
            "https://cognito-idp.eu-west-1.amazonaws.com/p",
            "https://d.example/oauth2/authorize",
            "https://d.example/end",
            "https://d.example/end",
        ),
        ("https://cognito-idp.evil.example/p", "https://d.example/oauth2/authorize", None, None),
        ("https://issuer.example", "https://issuer.example/authorize", None, None),
    ],
)
def test_cognitos_sign_out_stands_beside_its_sign_in(issuer_url, authorize, end, expected):
    assert end_session_endpoint(issuer_url, metadata(authorize, end)) == expected


RUN_OUT_S = 400
"""After which a token of 300 seconds has run out, its leeway too."""


@pytest.fixture
def ahead(monkeypatch) -> list[float]:
    """How many seconds the clock that sessions are judged by is ahead. Comes before the service."""
    seconds = [0.0]
    monkeypatch.setattr(auth, "CodeFlow", partial(CodeFlow, clock=lambda: time.time() + seconds[0]))
    return seconds


def test_a_session_is_renewed_with_the_roles_of_the_day(ahead, service, issuer):
    issuer.gives_refresh_tokens = True
    sign_in(service)
    ahead[0] = RUN_OUT_S
    issuer.lifetime_s = 2 * RUN_OUT_S
    issuer.access_changes = {"groups": ["medsearch-admin"]}
    for _ in range(3):
        assert service.get("/session").json()["roles"] == ["admin"]
    assert issuer.asked["token"] == 2


def test_who_lost_the_role_loses_access_with_the_next_token(ahead, service, issuer):
    issuer.gives_refresh_tokens = True
    sign_in(service)
    issuer.access_changes = {"groups": []}
    ahead[0] = RUN_OUT_S
    issuer.lifetime_s = 2 * RUN_OUT_S
    assert service.get("/thumbnails/p1/s1/1.1.png").status_code == 403
    assert service.get("/session").json() == {"signIn": "oidc", "signedIn": True, "name": NAME, "roles": []}


@pytest.mark.parametrize("ending", ["no refresh token", "refused", "another subject"])
def test_a_session_that_cannot_be_renewed_is_over(ahead, service, issuer, ending):
    issuer.gives_refresh_tokens = ending != "no refresh token"
    sign_in(service)
    if ending == "refused":
        issuer.forget_refresh_tokens()
    if ending == "another subject":
        issuer.access_changes |= {"sub": "another"}
    ahead[0] = RUN_OUT_S
    issuer.lifetime_s = 2 * RUN_OUT_S
    assert service.get("/thumbnails/p1/s1/1.1.png").status_code == 401
    assert service.get("/session").json()["signedIn"] is False


def test_while_the_issuer_is_down_a_session_waits(ahead, service, issuer):
    issuer.gives_refresh_tokens = True
    sign_in(service)
    ahead[0] = RUN_OUT_S
    issuer.lifetime_s, issuer.is_failing = 2 * RUN_OUT_S, True
    assert service.get("/thumbnails/p1/s1/1.1.png").status_code == 503
    assert service.get("/session").status_code == 503
    issuer.is_failing = False
    assert service.get("/thumbnails/p1/s1/1.1.png").status_code == 200


def test_sessions_end_by_age_and_by_idleness_and_are_bounded(monkeypatch):
    now = [0.0]
    held = Sessions(lambda: now[0])

    def opened() -> str:
        return held.open(Session(NOBODY, "", 0.0, None))

    kept, idle = opened(), opened()
    for _ in range(limits.LIFETIME_S // limits.IDLE_S):
        now[0] += limits.IDLE_S
        assert held.find(kept)
    assert held.find(idle) is None
    now[0] += 1
    assert held.find(kept) is None
    assert held.find(None) is held.find("") is held.find("unknown") is None

    monkeypatch.setattr(limits, "MAX_SESSIONS", 3)
    ids = [opened() for _ in range(3)]
    held.find(ids[0])
    opened()
    assert [held.find(i) is not None for i in ids] == [True, False, True]
