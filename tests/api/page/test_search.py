"""Searching on the page: words, findings as bar charts that filter, rows with their terms marked, pages."""

from __future__ import annotations

from playwright.sync_api import expect

from medsearch_core.search.embedded.index import open_embedded
from tests.support.hospital import StudyOf
from tests.support.landed_hospital import fill_and_land
from tests.support.page import opened, opened_with_its_clock_stopped, served

DEBOUNCE_MS = 250


def reports(count: int) -> str:
    return f"{count} report{'' if count == 1 else 's'}"


def expect_found(page, count: int) -> None:
    expect(page.locator(".resultbar .total")).to_have_text(reports(count))


def test_a_radiologist_searches_opens_an_image_and_sees_similar_ones(page):
    expect_found(page, 3)
    page.keyboard.press("/")
    page.keyboard.type("effusion")
    page.get_by_role("region", name="Absent").get_by_role("button", name="Pneumothorax").click()
    expect_found(page, 1)
    expect(page.locator(".row .impression")).to_have_text("Left effusion.")
    page.locator(".row .thumbnail").first.click()
    expect(page.locator("mark.present", has_text="pleural effusion")).to_be_visible()
    expect(page.locator(".like .score")).to_have_text(["0.800", "0.600", "0.000", "0.000"])
    page.keyboard.press("Escape")
    expect_found(page, 1)
    expect(page.locator("#words")).to_have_value("effusion")


def test_one_search_follows_a_burst_of_typing_when_it_has_rested(browser, address):
    with opened_with_its_clock_stopped(browser, address) as page:
        expect_found(page, 3)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/graphql") else None)
        page.locator("#words").focus()
        for key in "cardiomegaly":
            page.clock.run_for(DEBOUNCE_MS - 1)
            page.keyboard.press(key)
        page.clock.run_for(DEBOUNCE_MS - 1)
        expect(page.locator("#words")).to_have_value("cardiomegaly")
        expect_found(page, 3)
        assert asked == []
        page.clock.run_for(1)
        expect_found(page, 1)
        assert len(asked) == 1


def test_bars_are_as_long_as_their_counts_and_green_red_and_amber(page):
    expect_found(page, 3)
    colours = {
        name: page.locator(f".chart.{name} .bar").first.evaluate("(bar) => getComputedStyle(bar).backgroundColor")
        for name in ("present", "absent", "uncertain")
    }
    for name, most in (("present", 1), ("absent", 0), ("uncertain", 0)):
        red, green, blue = (int(part) for part in colours[name].removeprefix("rgb(").removesuffix(")").split(","))
        assert max(red, green) > blue
        assert (green > red) == (most == 1)
    widths = page.locator(".chart.absent .bar").evaluate_all("(bars) => bars.map((bar) => bar.style.width)")
    assert widths == ["100%", "100%"]


def test_findings_beyond_the_first_eight_are_a_press_away(page):
    def with_more(route):
        answer = route.fetch().json()
        if "searchReports" in answer["data"]:
            answer["data"]["present"] += [{"value": f"R0{n}", "label": f"Finding {n}", "count": 1} for n in range(9)]
        route.fulfill(json=answer)

    page.route("**/graphql", with_more)
    page.reload()
    present = page.get_by_role("region", name="Present", exact=True)
    last = present.get_by_role("button", name="Finding 8")
    expect(present.locator(".rest summary")).to_have_text("3 more")
    expect(last).to_be_hidden()
    present.locator(".rest summary").click()
    last.click()
    expect(last).to_have_attribute("aria-pressed", "true")


def test_words_are_said_to_be_found_after_negations_too(page):
    expect(page.locator(".hint")).to_have_count(0)
    page.locator("#words").fill("effusion")
    expect(page.locator(".hint")).to_contain_text("negated")


def test_every_facet_filters_is_pressed_and_can_be_taken_off(page):
    expect_found(page, 3)
    for region, button, count in (
        ("Present", "Cardiomegaly", 1),
        ("Uncertain", "Pneumonia", 1),
        ("View", "LATERAL", 1),
        ("Laterality", "L", 1),
        ("Sex", "Female", 2),
    ):
        facet = page.get_by_role("region", name=region, exact=True).get_by_role("button", name=button)
        facet.click()
        expect_found(page, count)
        expect(facet).to_have_attribute("aria-pressed", "true")
        page.get_by_role("button", name="Remove filter").click()
        expect_found(page, 3)
        expect(facet).to_have_attribute("aria-pressed", "false")
    for region in ("Modality", "Body part"):
        assert page.get_by_role("region", name=region).count() == 0, "one value is nothing to choose between"


def test_reports_are_found_by_age_and_date(page):
    expect_found(page, 3)
    page.get_by_label("Age from").fill("60")
    page.get_by_label("Age from").press("Enter")
    expect_found(page, 1)
    page.get_by_role("button", name="Remove filter min. age: 60").click()
    expect(page.get_by_label("Age from")).to_have_value("")
    page.get_by_label("Study date from").fill("2019-04-01")
    page.get_by_label("Study date from").blur()
    expect_found(page, 1)
    page.get_by_role("button", name="Clear", exact=True).click()
    expect_found(page, 3)


def test_the_words_searched_for_stand_out_in_rows_and_in_the_report(page):
    page.locator("#words").fill("effusions")
    expect(page.locator(".row .term")).to_have_text(["effusion", "effusion", "effusion"])
    page.locator(".row .impression", has_text="Left effusion").click()
    expect(page.locator(".report .term")).to_have_text(["effusion", "effusion"])
    expect(page.locator(".report mark.present .term")).to_have_text("effusion")


def test_a_row_opens_what_its_report_says_and_each_finding_leads_on(page):
    row = page.locator(".row", has_text="Cardiomegaly without")
    expect(row.locator(".tag.present")).to_contain_text("cardiomegaly")
    expect(row.locator(".tag.absent")).to_contain_text("pleural effusion")
    row.get_by_role("button", name="Findings").click()
    diagnoses = row.get_by_role("region", name="Diagnoses")
    expect(diagnoses.locator("li")).to_have_count(2)
    expect(diagnoses.locator(".entity.present .code")).to_have_text("I51.7")
    diagnoses.get_by_role("link", name="pleural effusion, absent").click()
    expect_found(page, 1)
    assert page.url.endswith("/#/?absent=J90")


def test_images_fill_a_grid(page):
    expect_found(page, 3)
    page.get_by_role("button", name="Images", exact=True).click()
    expect(page.locator(".grid .tile")).to_have_count(4)
    for picture in page.locator(".grid img").all():
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("p => p.currentSrc").endswith(".webp")  # the small one suffices
        assert picture.evaluate("p => p.naturalHeight") > 0
    expect(page.get_by_role("button", name="Images", exact=True)).to_have_attribute("aria-pressed", "true")


def test_an_image_opened_before_the_words_are_searched_for_stays_open(browser, address):
    with opened_with_its_clock_stopped(browser, address) as page:
        expect(page.locator(".row")).to_have_count(3)
        page.locator("#words").fill("cardiomegaly")
        page.locator(".row .thumbnail").first.click()
        expect(page.locator("frame-viewer")).to_be_visible()
        page.clock.run_for(2 * DEBOUNCE_MS)
        expect(page.locator("frame-viewer")).to_be_visible()
        page.clock.resume()
        page.get_by_role("link", name="← Results").click()
        expect_found(page, 1)


def test_pages_of_reports_go_on_and_back_and_begin_again_with_another_release(browser, tmp_path):
    ward = [StudyOf(patient=f"p{n}", study=f"s{n:02}", images={}, sections={"impression": f"Report {n}."}) for n in range(45)]
    fill_and_land(tmp_path, ward)
    with served(tmp_path) as address, opened(browser, address) as page:
        pages = page.get_by_role("navigation", name="Pages")
        expect(pages).to_contain_text("1–20 of 45")
        expect(pages.get_by_role("button", name="Previous")).to_be_disabled()
        pages.get_by_role("button", name="Next").click()
        expect(page.locator(".row .impression").first).to_have_text("Report 20.")
        pages.get_by_role("button", name="Next").click()
        expect(pages).to_contain_text("41–45 of 45")
        expect(pages.get_by_role("button", name="Next")).to_be_disabled()
        page.reload()
        expect(pages).to_contain_text("41–45 of 45")
        pages.get_by_role("button", name="Previous").click()
        expect(pages).to_contain_text("21–40 of 45")
        index = open_embedded(str(tmp_path / "index"))
        index.publish(index.begin(None))
        fill_and_land(tmp_path, ward[:30])
        pages.get_by_role("button", name="Next").click()
        expect(pages).to_contain_text("1–20 of 30")
