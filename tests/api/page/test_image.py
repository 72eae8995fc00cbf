"""The image view: the picture, its report with marks, what is known of it, images like it, and two side by side."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from tests.support.hospital import EFFUSION
from tests.support.landed_hospital import fill_and_land
from tests.support.page import STATIC, opened, served

SCORES = ["0.800", "0.600", "0.000", "0.000"]


@pytest.fixture
def image(page: Page, address: str) -> Page:
    """The page at the image with the effusion."""
    page.goto(f"{address}/#/image/1.1")
    expect(page.locator(".like .score")).to_have_text(SCORES)
    return page


def test_the_picture_is_the_original_in_full_resolution(image):
    viewer = image.locator("frame-viewer[data-ready]")
    expect(viewer).to_have_attribute("src", "/images/p1/s1/1.1.png")
    width = "(viewer) => viewer.querySelector('canvas').width"
    assert viewer.evaluate(width) > 96
    expect(viewer.get_by_role("application")).to_have_attribute("aria-label", "DX CHEST PA image")


def test_a_window_stands_in_the_address_and_is_shown_from_there(image, address):
    image.locator("frame-viewer[data-ready]").get_by_role("application").press("i")
    image.wait_for_url(re.compile(r"window="))
    place = image.evaluate("location.hash")
    assert re.fullmatch(r"#/image/1\.1\?window=(-?[\d.]+%2C[\d.]+%2C)?inverted", place)
    image.reload()
    expect(image.locator("frame-viewer[data-ready]")).to_be_visible()
    assert image.locator("frame-viewer").evaluate("(viewer) => viewer.windowing.inverted") is True


def test_mentions_are_marked_in_place_and_tell_cue_and_code_on_focus(image):
    present = image.locator("mark.present", has_text="pleural effusion")
    expect(present).to_have_attribute("aria-description", "Present · J90 Pleural effusion, not elsewhere classified")
    absent = image.locator("mark.absent", has_text="pneumothorax")
    shown = "(mark) => getComputedStyle(mark, '::after').content"
    assert absent.evaluate(shown) == "none"
    absent.focus()
    image.keyboard.press("Shift")
    assert absent.evaluate(shown) == '"Absent · “no” · J93.9 Pneumothorax, unspecified"'
    absent.blur()
    absent.hover()
    assert "J93.9" in absent.evaluate(shown)


def test_mentions_are_marked_at_code_points_and_not_at_utf_16_units(page, address):
    page.goto(f"{address}/#/image/2.1")
    expect(page.locator(".text mark.uncertain")).to_have_text("pneumonia")


def test_mentions_within_mentions_and_terms_within_both_are_marked(page):
    pieces = page.evaluate(
        """async () => {
            const { markText } = await import("/static/report/marked-text.js");
            const entity = (begin, end, text) => ({ begin, end, text });
            const inner = entity(6, 27, "contours are 𝛼 normal");
            const within = [inner, entity(0, 27, "Heart contours are 𝛼 normal"), entity(21, 28, "normal."), entity(1, 2, "x")];
            const run = (node) => (node.isTerm ? `*${node.text}*` : node.text);
            const flat = (node) => (node.entity ? [node.entity.text, ...node.pieces.map(flat)] : run(node));
            return markText("Heart contours are 𝛼 normal.", within, [{ begin: 19, end: 20 }]).map(flat);
        }""".replace("/static", STATIC)
    )
    inner = ["contours are 𝛼 normal", "contours are ", "*𝛼*", " normal"]
    assert pieces == [["Heart contours are 𝛼 normal", "Heart ", inner], "."]


JOINED = [
    ("There is a small\n left effusion.", "There is a small  left effusion."),
    ("FINDINGS:\nThe heart is\r\nnormal.", "FINDINGS:\nThe heart is\r normal."),
    ("No effusion\nNo pneumothorax\nHeart normal", "No effusion\nNo pneumothorax\nHeart normal"),
    ("1. Nodule of\n3 mm.\n2. No effusion.", "1. Nodule of 3 mm.\n2. No effusion."),
    ("Lungs are clear and\n- no effusion", "Lungs are clear and\n- no effusion"),
    ("Heart: normal\nLungs: clear", "Heart: normal\nLungs: clear"),
    ("It is seen\n\nabove", "It is seen\n\nabove"),
    (
        "There is an effusion on the right, with some\natelectasis of the lower lobe. The heart is normal.\nThere is none.",
        "There is an effusion on the right, with some atelectasis of the lower lobe. The heart is normal. There is none.",
    ),
    ("The lungs are clear.\nThe heart is normal.", "The lungs are clear.\nThe heart is normal."),
]


def test_lines_that_a_file_wraps_are_joined_and_lists_and_labeled_lines_are_not(page):
    code = """async (texts) => {
        const { joinLines } = await import("/static/report/lines.js");
        return texts.map(joinLines);
    }"""
    assert page.evaluate(code, [text for text, _ in JOINED]) == [joined for _, joined in JOINED]


def test_mentions_and_terms_across_a_wrapped_line_stay_marked(page):
    pieces = page.evaluate(
        """async () => {
            const { markText } = await import("/static/report/marked-text.js");
            const effusion = { text: "pleural\\neffusion", begin: 2, end: 18 };
            const flat = (node) => (node.entity ? node.pieces.map(flat) : node.text);
            return markText("A pleural\\neffusion.", [effusion], [], "A pleural effusion.").map(flat);
        }"""
    )
    assert pieces == ["A ", ["pleural effusion"], "."]


AGES = {"0": None, "0.02": "7 d", "0.25": "3 mo", "1.9": "1 y", "52": "52 y", "null": None}


def test_an_age_is_in_years_months_or_days_and_an_unknown_one_is_not_shown(page):
    code = """async (ages) => {
        const { age } = await import("/static/labels.js");
        return ages.map((each) => age(JSON.parse(each)));
    }"""
    assert page.evaluate(code, list(AGES)) == list(AGES.values())


def test_a_heading_says_each_fact_once(page):
    code = """async () => {
        const { headingFor, headingFacts } = await import("/static/labels.js");
        const nobody = { patientSex: null, patientAgeYears: 0, studyDate: null };
        const unknown = { ...nobody, modality: "CT", bodyPartExamined: null, viewPosition: null };
        const woman = { patientSex: "FEMALE", patientAgeYears: 42.5 };
        const known = { ...unknown, ...woman, bodyPartExamined: "CHEST", viewPosition: "PA" };
        return [unknown, known, { ...unknown, modality: null }].map((image) => [headingFor(image), headingFacts(image)]);
    }"""
    assert page.evaluate(code) == [["CT image", []], ["Chest PA", ["CT", "Female, 42 y"]], ["Image", []]]


def test_findings_are_grouped_with_assertion_and_code_and_filter_similar_images(image):
    findings = image.get_by_role("region", name="Findings", exact=True)
    expect(findings.locator("h3")).to_have_text(["Diagnoses"])
    expect(findings.locator(".code")).to_have_text(["J90", "J93.9"])
    effusion = findings.get_by_role("group", name="Similar images, pleural effusion")
    effusion.get_by_role("button", name="without").click()
    expect(image.locator(".like .score")).to_have_text(["0.800", "0.600", "0.000"])
    assert "without=J90" in image.url
    effusion.get_by_role("button", name="reported absent").click()
    expect(image.locator(".like .score")).to_have_text(["0.600"])
    assert "said-absent=J90" in image.url
    assert "without=" not in image.url
    image.get_by_role("button", name="Remove filter absent: Pleural effusion").click()
    expect(image.locator(".like .score")).to_have_text(SCORES)


def test_similar_images_of_other_patients_of_the_same_view_and_of_one_sex(image):
    expect(image.locator(".like .same")).to_have_count(2)
    image.get_by_role("switch", name="Same view (PA)").click()
    expect(image.locator(".like .score")).to_have_text(["0.800", "0.600"])
    image.get_by_role("switch", name="Other patients").click()
    expect(image.locator(".like .score")).to_have_text(["0.600"])
    assert image.url.endswith("?other-patients=yes&same-view=yes")
    image.locator(".morefilters summary").click()
    image.get_by_role("button", name="Female").click()
    expect(image.locator(".similar .note h2")).to_have_count(1)
    image.get_by_role("button", name="Clear filters").click()
    expect(image.locator(".like .score")).to_have_text(SCORES)


def test_findings_of_the_images_shown_can_be_chosen_too(image):
    image.locator(".morefilters summary").click()
    heart = image.locator(".choices").get_by_role("group", name="Cardiomegaly")
    heart.get_by_role("button", name="with", exact=True).click()
    expect(image.locator(".like .score")).to_have_text(["0.600"])
    expect(heart.get_by_role("button", name="with", exact=True)).to_have_attribute("aria-pressed", "true")


def test_filters_of_similar_images_stay_on_the_way_to_the_next_image(image):
    image.get_by_role("switch", name="Other patients").click()
    expect(image.locator(".like .score")).to_have_text(["0.600", "0.000"])
    image.locator(".like .tile").first.click()
    expect(image.locator("mark.present", has_text="cardiomegaly")).to_be_visible()
    assert image.url.endswith("#/image/3.1?other-patients=yes")


def test_the_score_is_the_cosine_and_its_bar_as_long(image):
    widths = image.locator(".scorebar span").evaluate_all("(bars) => bars.map((bar) => bar.style.width)")
    assert widths == ["80%", "60%", "0%", "0%"]


def test_attributes_and_provenance_are_told(image):
    about = image.get_by_role("region", name="About this image")
    expect(about).to_contain_text("96 × 96, 12 bit")
    shown = [
        ("Manufacturer", "Acme"),
        ("Device model", "Ray 7"),
        ("Tube voltage", "120 kV"),
        ("Pixel spacing", "0.139 × 0.139 mm"),
    ]
    for label, value in shown:
        row = about.locator("dl > div", has=image.locator("dt", has_text=re.compile(f"^{label}$")))
        expect(row.locator("dd")).to_have_text(value)
    about.get_by_text("Provenance").click()
    expect(about.locator(".provenance dt")).to_have_text(["Image", "Source", "SHA-256", "Model", "Version"])


def test_the_images_of_a_study_lead_to_each_other(image):
    siblings = image.get_by_role("navigation", name="Images of this study")
    expect(siblings.locator("[aria-current]")).to_have_text("PA")
    siblings.locator(".tile", has_text="LATERAL").click()
    expect(image.locator("h1")).to_contain_text("Chest LATERAL")


@pytest.mark.parametrize("name", ["Compare with result 1", "Compare with the study’s LATERAL image"])
def test_an_image_is_compared_with_one_like_it_or_of_its_study(image, name):
    image.get_by_role("link", name=name).click()
    expect(image.locator("frame-viewer[data-ready]")).to_have_count(2)
    sources = image.locator("frame-viewer").evaluate_all("(all) => all.map((viewer) => viewer.getAttribute('src'))")
    assert sources[0] == "/images/p1/s1/1.1.png"
    image.get_by_role("button", name="Swap").click()
    expect(image.locator("frame-viewer").first).to_have_attribute("src", sources[1])
    assert image.url.endswith("/1.1")
    image.go_back()
    expect(image.locator("h1")).to_contain_text("Chest PA")


def test_more_similar_images_are_shown_up_to_a_hundred(browser, tmp_path):
    images = {f"1.{n}": ("PA", [1.0, n / 100]) for n in range(70)}
    fill_and_land(tmp_path, [replace(EFFUSION, images=images)])
    with served(tmp_path) as address, opened(browser, f"{address}/#/image/1.0") as page:
        expect(page.locator(".like")).to_have_count(30)
        expect(page.locator(".similar .titlebar")).to_contain_text("30 of 69 images")
        page.get_by_role("button", name="Show more").click()
        expect(page.locator(".like")).to_have_count(60)
        page.get_by_role("button", name="Show more").click()
        expect(page.locator(".like")).to_have_count(69)
        expect(page.get_by_role("button", name="Show more")).to_have_count(0)
        assert page.url.endswith("?shown=100")


def test_where_more_images_match_than_can_be_shown_they_are_not_counted(page):
    texts = page.evaluate(
        """async () => {
            const { countText } = await import("/static/similar/similar.js");
            return [[100, 100], [30, 101]].map((of) => countText(...of).match(/[0-9]+/g));
        }""".replace("/static", STATIC)
    )
    assert texts == [["100", "100"], ["30"]]
