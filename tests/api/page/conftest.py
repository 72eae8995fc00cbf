"""The page over the small hospital with its originals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.support.page import opened, served, without_complaint


@pytest.fixture(scope="module")
def address(landed: Path) -> Iterator[str]:
    """The service on a free port."""
    with served(landed) as address:
        yield address


@pytest.fixture(scope="module")
def tab(browser: Browser, address: str) -> Iterator[Page]:
    """One tab for the tests of a module: a page that was open before must behave as one freshly opened."""
    with opened(browser, address) as page:
        yield page


@pytest.fixture
def page(tab: Page, address: str) -> Iterator[Page]:
    """The page at the search for nothing in particular."""
    with without_complaint(tab):
        tab.goto(f"{address}/#/")
        yield tab
