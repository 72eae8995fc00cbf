"""Signing in, looking and signing out as users do, in a real browser.

The service is localhost and the issuer 127.0.0.1: two sites, as in the world.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from medsearch_api.app import create_app
from tests.support.oidc_issuer import NAME
from tests.support.oidc_settings import oidc_settings
from tests.support.serving import free_port, serving


@pytest.fixture
def home(landed, issuer) -> Iterator[str]:
    """The service where browsers reach it."""
    port = free_port()
    address = f"http://localhost:{port}"
    settings = oidc_settings(landed, issuer, api_public_url=address, landing=str(landed / "landing"))
    with serving(create_app(settings), port):
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

    expect(page.locator("frame-viewer[data-ready]")).to_be_visible()
    assert page.url == f"{home}/#/image/1.1"
    expect(page.get_by_role("button", name="Sign out")).to_have_attribute("title", f"Signed in as {NAME}")
    page.locator(".provenance summary").click()
    expect(page.locator(".provenance dt")).to_have_text(["Image", "SHA-256", "Model", "Version"])
    assert page.evaluate("document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)") == "{}{}"
    kept = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert set(kept) == {"medsearch-session"}
    assert (kept["medsearch-session"]["httpOnly"], kept["medsearch-session"]["sameSite"]) == (True, "Strict")

    page.reload()
    expect(page.locator("frame-viewer[data-ready]")).to_be_visible()
    page.wait_for_load_state("networkidle")  # what is still asked for when the session ends is refused
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
    with serving(Starlette(routes=[Route("/", preview)])) as other:
        page.goto(other.replace("127.0.0.1", "localhost"))
        assert page.evaluate(shown) is True
        page.goto(other)
        assert page.evaluate(shown) is False
    context.close()
