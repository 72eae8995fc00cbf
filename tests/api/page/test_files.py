"""What the page consists of."""

from __future__ import annotations

from playwright.sync_api import expect

from medsearch_api.http.page import FOLDER
from tests.support.page import STATIC


def test_every_module_is_preloaded_and_none_is_left_over(page):
    expect(page.locator(".row")).to_have_count(3)
    asked = page.evaluate("performance.getEntriesByType('resource').map((entry) => new URL(entry.name).pathname)")
    modules = {path for path in asked if path.endswith(".js")}
    preloaded = page.locator("link[rel=modulepreload]").evaluate_all(
        "(links) => links.map((link) => new URL(link.href).pathname)"
    )
    assert sorted(preloaded) == sorted(modules - {f"{STATIC}/main.js"})
    own = {f"{STATIC}/{path.relative_to(FOLDER).as_posix()}" for path in FOLDER.rglob("*.js")}
    assert own - modules == set()
