"""What the page says while it waits, when it fails, and of what is not there."""

from __future__ import annotations

from functools import partial
from typing import Any

from playwright.sync_api import Route, expect

from tests.support.page import opened

UNANSWERED = "Failed to load resource"


def fail(answer: dict | None, route: Route) -> None:
    """Gives the answer in the service's stead, or none."""
    if answer is None:
        route.abort()
    else:
        route.fulfill(**answer)


def operation(route: Route) -> str:
    return route.request.post_data or ""


def test_what_is_not_there_is_said(page, address):
    page.locator("#words").fill("zebra")
    expect(page.locator(".note h2")).to_have_count(1)
    page.goto(f"{address}/#/?present=A00")
    expect(page.locator(".note h2")).to_have_count(1)
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator(".row")).to_have_count(3)
    for place, title in {
        "image/9.9": "No such image",
        "report/s9": "No such report",
        "compare/1.1/9.9": "No such image",
    }.items():
        page.goto(f"{address}/#/{place}")
        expect(page.locator(".note h2")).to_have_text(title)


def test_an_image_without_report_and_a_report_without_image_are_shown(page, address):
    page.goto(f"{address}/#/image/4.1")
    expect(page.get_by_role("region", name="Report")).to_contain_text("This study has no report.")
    expect(page.locator(".like")).to_have_count(4)
    page.goto(f"{address}/#/report/s1")
    expect(page.locator(".report mark.present")).to_have_text("pleural effusion")
    expect(page.get_by_role("region", name="Diagnoses")).to_contain_text("J93.9")


def test_shapes_stand_where_results_will_while_they_are_loaded(browser, address):
    with opened(browser, "about:blank") as page:
        held = []
        page.route("**/graphql", lambda route: held.append(route) if "Search(" in operation(route) else route.continue_())
        page.goto(address)
        expect(page.locator(".rows .ghost").first).to_be_visible()
        expect(page.locator(".results")).to_have_attribute("aria-busy", "true")
        for route in held:
            route.continue_()
        expect(page.locator(".row .impression")).to_have_count(3)
        expect(page.locator(".ghost")).to_have_count(0)


def test_only_the_last_answer_is_shown_however_late_others_come(browser, address):
    with opened(browser, address) as page:
        expect(page.locator(".row")).to_have_count(3)
        held = []
        page.route(
            "**/graphql", lambda route: held.append(route) if '"query":"effusion"' in operation(route) else route.continue_()
        )
        page.locator("#words").fill("effusion")
        expect(page.locator(".results")).to_have_attribute("aria-busy", "true")
        page.locator("#words").fill("cardiomegaly")
        expect(page.locator(".row")).to_have_count(1)
        page.unroute("**/graphql")
        expect(page.locator(".resultbar .total")).to_have_text("1 report")


def test_a_failure_is_said_and_can_be_tried_again(browser, address):
    error: dict[str, Any] = {"message": "The index is being moved.", "extensions": {"code": "UNAVAILABLE"}}
    failures: list[tuple[dict[str, Any] | None, str]] = [
        ({"status": 503, "body": "down"}, "503"),
        ({"json": {"errors": [error]}}, error["message"]),
        ({"status": 200, "body": "<html>"}, "invalid response"),
        (None, "does not respond"),
    ]
    with opened(browser, address, UNANSWERED) as page:
        for number, (answer, said) in enumerate(failures):
            expect(page.locator(".row")).to_have_count(3)
            page.route("**/graphql", partial(fail, answer))
            page.locator("#words").fill(f"effusion {number}")
            expect(page.get_by_role("alert")).to_contain_text(said)
            page.unroute("**/graphql")
            page.get_by_role("button", name="Try again").click()
            expect(page.get_by_role("alert")).to_have_count(0)


def test_a_computer_that_is_offline_is_told_and_the_page_goes_on_when_it_is_back(browser, address):
    with opened(browser, address, "ERR_INTERNET_DISCONNECTED") as page:
        expect(page.locator(".row")).to_have_count(3)
        page.context.set_offline(True)
        expect(page.locator(".banner")).to_contain_text("offline")
        page.locator("#words").fill("cardiomegaly")
        expect(page.get_by_role("alert")).to_contain_text("offline")
        page.context.set_offline(False)
        expect(page.locator(".row")).to_have_count(1)
        expect(page.locator(".banner")).to_have_count(0)


def test_a_picture_that_cannot_be_had_says_so(browser, address):
    with opened(browser, "about:blank", UNANSWERED) as page:
        page.route("**/thumbnails/**", lambda route: route.fulfill(status=404))
        page.goto(address)
        expect(page.locator(".thumbnail.missing").first).to_be_visible()
        assert (
            page.locator(".thumbnail.missing").first.evaluate("(e) => getComputedStyle(e, '::before').content")
            == '"unavailable"'
        )


def test_counts_are_announced_to_screen_readers(page):
    expect(page.get_by_role("status").filter(has_text="3 reports")).to_have_count(1)
    page.locator("#words").fill("cardiomegaly")
    expect(page.get_by_role("status").filter(has_text="1 report")).to_have_count(1)
