"""The page without a mouse."""

from __future__ import annotations

from playwright.sync_api import expect


def test_arrows_go_from_picture_to_picture_enter_opens_and_escape_goes_back(page):
    expect(page.locator(".row")).to_have_count(3)
    page.keyboard.press("/")
    expect(page.locator("#words")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_be_focused()
    assert page.url.endswith("/#/image/2.1")
    page.keyboard.press("Escape")
    expect(page.locator(".row")).to_have_count(3)


def test_c_compares_with_the_picture_that_has_the_focus_or_else_with_the_first_beside_it(page, address):
    page.goto(f"{address}/#/image/1.1")
    expect(page.locator(".like")).to_have_count(4)
    page.locator(".like .tile").nth(1).focus()
    page.keyboard.press("c")
    page.wait_for_url("**/#/compare/1.1/3.1")
    page.go_back()
    expect(page.locator(".like .tile").nth(1)).to_be_focused()
    expect(page.locator(".siblings .tile")).to_have_count(2)
    page.locator("h1").focus()
    page.keyboard.press("c")
    page.wait_for_url("**/#/compare/1.1/1.2")
    expect(page.locator("frame-viewer[data-ready]")).to_have_count(2)


def test_a_question_mark_names_the_keys_and_the_dialog_keeps_the_others_to_itself(page, address):
    page.goto(f"{address}/#/image/1.1")
    expect(page.locator(".like")).to_have_count(4)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    page.keyboard.press("c")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert page.url.endswith("/#/image/1.1")


def test_keys_typed_as_words_are_words(page):
    expect(page.locator(".row")).to_have_count(3)
    page.locator("#words").press_sequentially("c/?")
    page.wait_for_url("**/#/?q=c%2F%3F")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_tab_reaches_what_a_mouse_does_and_the_first_step_leads_past_the_header(page):
    expect(page.locator(".row")).to_have_count(3)
    page.evaluate("document.activeElement.blur()")
    reached = set()
    page.keyboard.press("Tab")
    for _ in range(60):
        reached.add(page.evaluate("document.activeElement.outerHTML.slice(0, 400)"))
        page.keyboard.press("Tab")
    everything = page.locator("a, button, input").evaluate_all(
        "(all) => all.filter((e) => e.checkVisibility() && !e.disabled).map((e) => e.outerHTML.slice(0, 400))"
    )
    assert set(everything) - reached == set()
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#view")).to_be_focused()


def test_the_focus_stays_on_what_was_pressed_and_never_falls_off_the_page(page, address):
    expect(page.locator(".row")).to_have_count(3)
    facet = page.get_by_role("region", name="Present").get_by_role("button", name="Pleural effusion")
    facet.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".row")).to_have_count(1)
    expect(facet).to_be_focused()
    page.get_by_role("button", name="Remove filter").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".row")).to_have_count(3)
    expect(page.locator(".resultbar :focus")).to_have_count(1)
    page.locator(".row .thumbnail").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("frame-viewer[data-ready]")).to_be_visible()
    expect(page.locator("h1")).to_be_focused()
