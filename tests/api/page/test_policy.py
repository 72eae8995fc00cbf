"""Nothing that a report, a DICOM attribute or an address says becomes markup, and the browser enforces it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Error, expect

from tests.support.hospital import NAMES, Mention, StudyOf
from tests.support.landed_hospital import fill_and_land
from tests.support.page import opened, served

MARKUP = "<img src=x onerror=document.title='owned'>"
LABEL = "<i onclick=alert(1)>Effusion</i>"
HOSTILE = StudyOf(
    patient="p1",
    study="s1",
    images={"1.1": ('"><script>alert(1)</script>', [1.0, 0.0]), "1.2": ("<b>PA</b>", [0.9, 0.1])},
    sections={"findings": f"A {MARKUP} and ${{alert(1)}} </p><svg onload=alert(1)>.", "impression": f"See {MARKUP}."},
    mentions=[Mention(words=MARKUP, code="J90", assertion="present", cue='"><iframe src=//evil.example>')],
)


def test_text_that_looks_like_html_stays_text_on_every_view(browser, tmp_path, monkeypatch):
    monkeypatch.setitem(NAMES, "J90", LABEL)
    fill_and_land(tmp_path, [HOSTILE])
    with served(tmp_path) as address, opened(browser, address) as page:
        expect(page.locator(".row .impression")).to_have_text(f"See {MARKUP}.")
        expect(page.locator(".chips.views .chip").first).to_contain_text("<")
        page.locator(".tag.all").click()
        expect(page.locator(".opened .entity")).to_contain_text(MARKUP)
        page.goto(f"{address}/#/image/1.1?with=J90")
        expect(page.locator(".report .text")).to_contain_text(f"A {MARKUP} and ${{alert(1)}} </p><svg onload=alert(1)>.")
        expect(page.locator(".report mark").first).to_have_text(MARKUP)
        expect(page.locator("h1")).to_contain_text('"><script>alert(1)</script>')
        expect(page.locator(".report mark")).to_have_attribute(
            "aria-description", f'Present · “"><iframe src=//evil.example>” · J90 {LABEL}'
        )
        expect(page.locator(".like .where")).to_have_text("<b>PA</b>")
        page.goto(f"{address}/#/compare/1.1/1.2")
        expect(page.locator("frame-viewer[data-ready]")).to_have_count(2)
        page.goto(f"{address}/#/?q=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&view=%3Cb%3E&findings=%3Cb%3E")
        expect(page.get_by_role("button", name="Remove filter view: <b>")).to_be_visible()
        assert page.locator("main :is(script, iframe, [onerror], [onload], [onclick], [src=x])").count() == 0
        assert page.title() == "medsearch"


def test_the_policy_of_the_browser_knows_no_inline_and_one_maker_of_markup(page, address):
    policy = page.request.get(address).headers["content-security-policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives == {
        "default-src": "'self'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "lit-html",
    }


ATTEMPTS = [
    "document.body.innerHTML = '<b>x</b>'",
    "document.body.insertAdjacentHTML('beforeend', '<b>x</b>')",
    "trustedTypes.createPolicy('other', { createHTML: (text) => text })",
    "trustedTypes.createPolicy('lit-html', { createHTML: (text) => text })",
]


def test_the_browser_refuses_markup_that_is_not_a_template_and_inline_style(browser, address):
    with opened(browser, address, "") as page:
        for attempt in ATTEMPTS:
            with pytest.raises(Error, match="TypeError"):
                page.evaluate(attempt)
        page.evaluate(
            """() => {
                const style = document.createElement("style");
                style.textContent = "body { color: rgb(1, 2, 3) }";
                document.head.append(style);
                document.body.setAttribute("style", "background: rgb(1, 2, 3)");
            }"""
        )
        expect(page.locator("body")).not_to_have_css("color", "rgb(1, 2, 3)")
        expect(page.locator("body")).not_to_have_css("background-color", "rgb(1, 2, 3)")
