"""The page's sign-in against a real issuer: as HTTP step by step, and as a user in a real browser."""

from __future__ import annotations

import http.cookies
import logging
import re
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from oidc_asking import ANSWERED, ASKED, oidc_settings
from oidc_issuer import CLIENT, NAME, SECRET, SUBJECT, OidcIssuer, free_port, issuing, served
from playwright.sync_api import Browser, expect, sync_playwright
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from test_api_page import ARGUMENTS

from medsearch_api.app import create_app
from medsearch_api.logs import JsonLines
from medsearch_api.sign_in import sessions as limits
from medsearch_api.sign_in.code_flow import end_session_endpoint
from medsearch_api.sign_in.issuer import Metadata
from medsearch_api.sign_in.sessions import Session, Sessions
from medsearch_api.sign_in.viewer import NOBODY

HOME = "http://localhost:8000"
OWN = {"origin": HOME}


@pytest.fixture
def issuer() -> Iterator[OidcIssuer]:
    with issuing() as issuer:
        yield issuer


@pytest.fixture
def service(hospital, issuer) -> Iterator[TestClient]:
    with TestClient(create_app(oidc_settings(hospital, issuer)), base_url=HOME, follow_redirects=False) as client:
        yield client


def answer_of(started: httpx.Response) -> str:
    """Lets the issuer's user continue, and gives the address that the browser is sent back to."""
    with httpx.Client() as browser:
        page = browser.get(started.headers["location"]).text
        onward = re.search('href="(/approve[^"]+)"', page)[1]
        approved = browser.get(str(httpx.URL(started.headers["location"]).join(onward)))
    return approved.headers["location"]


def sign_in(service: TestClient) -> httpx.Response:
    """The whole way."""
    return service.get(answer_of(service.get("/sign-in")))


def cookies_of(response: httpx.Response) -> dict[str, http.cookies.Morsel]:
    """The cookies that a response sets."""
    found: dict[str, http.cookies.Morsel] = {}
    for line in response.headers.get_list("set-cookie"):
        found.update(http.cookies.SimpleCookie(line))
    return found


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


def is_refused(service: TestClient, response: httpx.Response) -> bool:
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


SHORT_S = -28
"""A lifetime that has run out but for the leeway of half a minute."""


def test_a_session_is_renewed_with_the_roles_of_the_day(service, issuer):
    issuer.gives_refresh_tokens, issuer.lifetime_s = True, SHORT_S
    sign_in(service)
    time.sleep(2.1)
    issuer.lifetime_s = 300
    issuer.access_changes = {"groups": ["medsearch-admin"]}
    for _ in range(3):
        assert service.get("/session").json()["roles"] == ["admin"]
    assert issuer.asked["token"] == 2


def test_who_lost_the_role_loses_access_with_the_next_token(service, issuer):
    issuer.gives_refresh_tokens, issuer.lifetime_s = True, SHORT_S
    sign_in(service)
    issuer.access_changes = {"groups": []}
    time.sleep(2.1)
    issuer.lifetime_s = 300
    assert service.get("/thumbnails/p1/s1/1.1.png").status_code == 403
    assert service.get("/session").json() == {"signIn": "oidc", "signedIn": True, "name": NAME, "roles": []}


@pytest.mark.parametrize("ending", ["no refresh token", "refused", "another subject"])
def test_a_session_that_cannot_be_renewed_is_over(service, issuer, ending):
    issuer.gives_refresh_tokens, issuer.lifetime_s = ending != "no refresh token", SHORT_S
    sign_in(service)
    if ending == "refused":
        issuer.forget_refresh_tokens()
    if ending == "another subject":
        issuer.access_changes |= {"sub": "another"}
    time.sleep(2.1)
    issuer.lifetime_s = 300
    assert service.get("/thumbnails/p1/s1/1.1.png").status_code == 401
    assert service.get("/session").json()["signedIn"] is False


def test_while_the_issuer_is_down_a_session_waits(service, issuer):
    issuer.gives_refresh_tokens, issuer.lifetime_s = True, SHORT_S
    sign_in(service)
    time.sleep(2.1)
    issuer.lifetime_s, issuer.is_failing = 300, True
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
    said = "\n".join(line for name, line in lines if name != "httpx" or not any(part in line for part in by_browser))
    assert f"POST {issuer.url}/token" in said
    assert '"route":"/sign-in/callback","status":303' in said
    assert "a sign-in was refused: token: nonce" in said
    for secret in [*issuer.given, SUBJECT, NAME, CLIENT, "private-"]:
        assert secret not in said


# In a browser. The service is localhost and the issuer 127.0.0.1: two sites, as in the world.


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def home(hospital, issuer) -> Iterator[str]:
    """The service where browsers reach it."""
    port = free_port()
    address = f"http://localhost:{port}"
    with served(create_app(oidc_settings(hospital, issuer, api_public_url=address)), port):
        yield address


@pytest.fixture
def page(browser):
    """A new browser without cookies. What the content security policy blocks, and what scripts throw, fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def test_a_user_signs_in_looks_at_an_image_and_signs_out(page, home, issuer):
    page.goto(f"{home}/#/image/1.1")
    expect(page.locator(".note h2")).to_have_text("Sign in to search")
    assert page.locator("#words").is_disabled()
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=f"Continue as {NAME}").click()

    expect(page.locator(".imageview .large")).to_be_visible()
    assert page.url == f"{home}/#/image/1.1"
    page.wait_for_function("document.querySelector('.large').naturalWidth === 32")
    expect(page.get_by_role("button", name="Sign out")).to_have_attribute("title", f"Signed in as {NAME}")
    page.locator(".provenance summary").click()
    expect(page.locator(".provenance dt")).to_have_text(["Image", "SHA-256", "Model", "Version"])
    assert page.evaluate("document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)") == "{}{}"
    kept = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert set(kept) == {"medsearch-session"}
    assert (kept["medsearch-session"]["httpOnly"], kept["medsearch-session"]["sameSite"]) == (True, "Strict")

    page.reload()
    expect(page.locator(".imageview .large")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator(".note h2")).to_have_text("Sign in to search")
    assert issuer.asked["logout"] == 1
    assert page.context.cookies() == []
    assert page.url == f"{home}/"


def test_an_admin_sees_where_an_image_comes_from(page, home, issuer):
    issuer.access_changes = {"groups": ["medsearch-admin"]}
    page.goto(f"{home}/#/image/1.1")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=f"Continue as {NAME}").click()
    page.locator(".provenance summary").click()
    expect(page.locator(".provenance dd", has_text="files/p1/s1/1.1.dcm")).to_be_visible()


def test_an_account_without_a_role_is_told_and_can_sign_out(page, home, issuer):
    issuer.access_changes = {"groups": ["another"]}
    page.goto(home)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=f"Continue as {NAME}").click()
    expect(page.locator(".note h2")).to_have_text("No access")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_session_that_ends_while_the_page_is_open_is_said(browser, home, issuer):
    context = browser.new_context()
    page = context.new_page()
    page.goto(home)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=f"Continue as {NAME}").click()
    expect(page.locator(".row")).to_have_count(3)
    context.clear_cookies()
    page.locator("#words").fill("effusion")
    expect(page.get_by_role("alert")).to_contain_text("Your session has ended.")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".note h2")).to_have_text("Sign in to search")
    context.close()


def test_pictures_show_on_a_page_of_the_same_site_and_on_no_other(browser, home, issuer):
    """Dagster's UI, on another port, shows previews to who is signed in here. A stranger's page shows nothing."""
    picture = f"{home}/thumbnails/p1/s1/1.1.png"

    async def preview(request):
        return HTMLResponse(f'<!doctype html><img src="{picture}">')

    context = browser.new_context()
    page = context.new_page()
    page.goto(home)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=f"Continue as {NAME}").click()
    expect(page.locator(".row").first).to_be_visible()
    shown = """new Promise((resolve) => {
      const image = document.querySelector("img"), tell = () => resolve(image.naturalWidth > 0);
      if (image.complete) tell(); else image.onload = image.onerror = tell;
    })"""
    with served(Starlette(routes=[Route("/", preview)])) as other:
        page.goto(other.replace("127.0.0.1", "localhost"))
        assert page.evaluate(shown) is True
        page.goto(other)
        assert page.evaluate(shown) is False
    context.close()
