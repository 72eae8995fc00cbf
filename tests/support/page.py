"""How tests open the page: any complaint of the browser's console fails them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect

from medsearch_api.app import create_app
from medsearch_api.http.page import read_page
from tests.support.api_client import settings_of
from tests.support.browser import PATIENCE_MILLISECONDS
from tests.support.serving import serving

STATIC = read_page().prefix
"""Where the page has its modules from."""


@contextmanager
def served(folder: Path, **others: Any) -> Iterator[str]:
    """The address of a service over a folder made by `fill_and_land`."""
    with serving(create_app(settings_of(folder, **({"landing": str(folder / "landing")} | others)))) as address:
        yield address


@contextmanager
def opened(browser: Browser, address: str, allowed: str | None = None, **context: Any) -> Iterator[Page]:
    """The page, freshly opened in a browser context of its own.

    Args:
        allowed: a part of the one complaint that the test brings about.
    """
    own = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | context))
    page = own.new_page()
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    with without_complaint(page, allowed):
        page.goto(address)
        yield page
        own.close()


@contextmanager
def opened_with_its_clock_stopped(browser: Browser, address: str) -> Iterator[Page]:
    """The page in a browser context of its own, when its results are there: from then on time passes as the test says."""
    with opened(browser, "about:blank") as page:
        page.clock.install(time=0)
        page.goto(address)
        expect(page.locator(".resultbar .total")).to_be_visible()
        expect(page.locator("[aria-busy=true]")).to_have_count(0)
        page.clock.pause_at(3600)
        yield page


@contextmanager
def without_complaint(page: Page, allowed: str | None = None) -> Iterator[None]:
    """Fails if the browser complained of something on its console meanwhile."""
    complaints: list[str] = []

    def note(text: str) -> None:
        if allowed is None or allowed not in text:
            complaints.append(text)

    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            note(message.text)

    def thrown(error: Error) -> None:
        note(str(error))

    page.on("console", said)
    page.on("pageerror", thrown)
    yield
    page.remove_listener("console", said)
    page.remove_listener("pageerror", thrown)
    assert complaints == []
