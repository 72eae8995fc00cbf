"""Images side by side in a real browser: what moves together, and what is said of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from medsearch_api.app import create_app
from medsearch_core.records import ImageRecord
from tests.support.page import STATIC
from tests.support.radiology import images_in, service_settings
from tests.support.serving import serving
from tests.support.viewer import (
    attributes_of,
    box_of,
    canvas,
    complaints_of_axe,
    difference,
    one_to_one,
    picture,
    settle,
    watched,
)

_COMPARE = """async ({ images, swaps }) => {
    const { html, render } = await import('/static/vendor/lit-html/lit-html.js');
    const { compareView } = await import('/static/viewer/compare.js');
    const view = document.getElementById('view');
    view.replaceChildren();
    const holder = document.createElement('div');
    view.append(holder);
    const show = () => render(html`${compareView(images, swaps ? { swap } : {})}`, holder);
    const swap = () => { images.reverse(); show(); };
    show();
}""".replace("/static", STATIC)
FINDINGS = [
    {"concept": "pulmonary edema", "assertion": "ABSENT"},
    {"concept": "pleural effusion", "assertion": "PRESENT"},
    {"concept": "pleural effusion", "assertion": "PRESENT"},
    {"concept": "<b>nodule</b>", "assertion": "UNCERTAIN"},
    {"concept": "pneumonia", "assertion": "HISTORICAL"},
]


@pytest.fixture(scope="module")
def rows(ingested) -> dict[str, ImageRecord]:
    return {name: found[0] for name, found in images_in(ingested).items()}


@pytest.fixture(scope="module")
def kept_page(browser, ingested) -> Iterator[tuple[Page, list[str]]]:
    with serving(create_app(service_settings(ingested))) as address, watched(browser, address) as kept:
        yield kept


@pytest.fixture
def page(kept_page) -> Iterator[Page]:
    page, complaints = kept_page
    page.set_viewport_size({"width": 1280, "height": 900})
    yield page
    assert complaints == []


def image(row: ImageRecord, **others: Any) -> dict[str, Any]:
    """The image as the page's IMAGE query gives it."""
    addresses = attributes_of(row)
    detail = {"photometricInterpretation": row.photometric_interpretation, "pixelSpacingMm": [0.7, 0.7]}
    return {
        **{"id": row.image_id, "patient": row.patient, "study": row.study, "modality": row.modality, "viewPosition": None},
        **{"bodyPartExamined": None, "patientSex": "FEMALE", "patientAgeYears": 52.4, "studyDate": "2019-03-04"},
        **{"frameUrl": addresses["src"], "thumbnailUrl": addresses["thumbnail"], "detail": detail, "report": None},
    } | others


def compare(page: Page, *images: dict[str, Any], swaps: bool = False) -> None:
    page.evaluate(_COMPARE, {"images": images, "swaps": swaps})
    expect(page.locator("frame-viewer[data-ready]")).to_have_count(len(images))
    settle(page)


def states(page: Page, name: str) -> list[Any]:
    return page.locator("frame-viewer").evaluate_all(f"all => all.map((v) => v.{name})")


def test_images_move_together_until_they_are_let_go(page, rows):
    compare(page, image(rows["CT_small.dcm"]), image(rows["MR_small.dcm"]))
    second = page.locator("frame-viewer").nth(1)
    second.locator(".stage").press("+")
    one, other = states(page, "view")
    assert one == other
    assert one["scale"] == 1.25
    page.get_by_role("switch", name="Link pan and zoom").uncheck()
    second.locator(".stage").press("+")
    assert [view["scale"] for view in states(page, "view")] == [1.25, 1.25**2]
    page.get_by_role("switch", name="Link pan and zoom").check()
    assert [view["scale"] for view in states(page, "view")] == [1.25, 1.25]
    expect(page.get_by_role("switch", name="Link windows")).to_have_count(0)


def test_images_of_one_modality_can_be_windowed_together(page, rows):
    compare(page, image(rows["CT_small.dcm"], modality="DX"), image(rows["negative.dcm"], modality="DX"))
    first = page.locator("frame-viewer").first
    first.locator(".stage").press("]")
    assert states(page, "windowing")[1] is None
    page.get_by_role("switch", name="Link windows").check()
    first.locator(".stage").press("i")
    one, other = states(page, "windowing")
    assert one == other
    assert one["inverted"] is True
    window = {"center": one["center"], "width": one["width"], "invert": "true"}
    row = rows["negative.dcm"]
    page.get_by_role("switch", name="Link pan and zoom").uncheck()
    shown = one_to_one(page.locator("frame-viewer").nth(1), row.rows, row.columns)
    assert difference(shown, picture(page, row, **window)) <= 1


def test_each_image_says_whose_it_is_and_what_its_report_says(page, rows):
    hostile = image(rows["MR_small.dcm"], patient="<i>p1</i>", patientSex=None, patientAgeYears=None, viewPosition="PA")
    compare(page, image(rows["CT_small.dcm"], report={"entities": FINDINGS}), hostile)
    first, second = page.locator("figure").all()
    row = rows["CT_small.dcm"]
    expect(first.locator(".facts > *")).to_have_text(["CT", "2019-03-04", "Female, 52 y", row.patient])
    expect(first.get_by_role("link")).to_have_attribute("href", f"#/image/{row.image_id}")
    expect(first.locator(".findings li")).to_have_text(
        ["pleural effusion, present", "pulmonary edema, absent", "<b>nodule</b>, uncertain"]
    )
    assert first.locator(".findings li").evaluate_all("all => all.map((e) => e.className)") == [
        "present",
        "absent",
        "uncertain",
    ]
    expect(second.locator(".facts > *")).to_have_text(["PA", "2019-03-04", "<i>p1</i>"])
    assert page.locator("figure b, figcaption i").count() == 0
    expect(first.locator(".windowing")).to_contain_text("HU")
    expect(first.locator(".scalebar")).to_be_visible()


def test_swapping_keeps_each_viewer_with_its_image(page, rows):
    compare(page, image(rows["CT_small.dcm"]), image(rows["negative.dcm"]), swaps=True)
    first = page.locator("frame-viewer").first
    first.locator(".stage").press("i")
    page.get_by_role("button", name="Swap").click()
    assert states(page, "windowing")[0] is None
    assert states(page, "windowing")[1]["inverted"] is True
    assert [v.rpartition("/")[2] for v in states(page, "getAttribute('src')")] == [
        f"{rows[name].image_id}.png" for name in ("negative.dcm", "CT_small.dcm")
    ]
    assert canvas(page.locator("frame-viewer").nth(1)).max() > 200


def test_a_colour_image_is_compared_without_asking_for_its_values(page, rows):
    compare(page, image(rows["SC_rgb_jpeg_gdcm.dcm"]), image(rows["CT_small.dcm"]))
    assert page.locator("frame-viewer").first.get_attribute("values") is None


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("width", [390, 699, 700, 1280])
def test_images_are_side_by_side_where_there_is_room(page, rows, count, width):
    page.set_viewport_size({"width": width, "height": 844})
    names = ["CT_small.dcm", "MR_small.dcm", "negative.dcm", "JPEG2000.dcm"][:count]
    compare(page, *(image(rows[name]) for name in names), swaps=True)
    boxes = [box_of(figure) for figure in page.locator("figure").all()]
    assert (boxes[0]["y"] == boxes[1]["y"]) is (width >= 700)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_everything_can_be_read_and_reached(page, rows):
    compare(page, image(rows["CT_small.dcm"], report={"entities": FINDINGS}), image(rows["SC_rgb_jpeg_gdcm.dcm"]), swaps=True)
    assert complaints_of_axe(page, ".compare") == []
