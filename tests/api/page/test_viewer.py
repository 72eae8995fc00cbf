"""The viewer of frames in a real browser, over really ingested objects: its canvas against the service's own pictures."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from medsearch_api.app import create_app
from medsearch_core.records import ImageRecord
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse, study_path
from tests.support.factories import dataset, dicom_bytes, sequence_item
from tests.support.page import STATIC
from tests.support.radiology import NEGATIVE, PIXELS, images_in, service_settings
from tests.support.serving import serving
from tests.support.viewer import (
    SIZE,
    attributes_of,
    box_of,
    canvas,
    difference,
    drag,
    one_to_one,
    opened,
    picture,
    settle,
    show,
    watched,
)
from tests.support.waiting import wait_until

GRAY = ("CT_small.dcm", "negative.dcm", "MR_small.dcm")
NO_VALUES = "Failed to load resource: the server responded with a status of 406 (Not Acceptable)"


@pytest.fixture(scope="module")
def images(ingested):
    return images_in(ingested)


@pytest.fixture(scope="module")
def address(ingested) -> Iterator[str]:
    with serving(create_app(service_settings(ingested))) as address:
        yield address


@pytest.fixture(scope="module")
def kept_page(browser, address) -> Iterator[tuple[Page, list[str]]]:
    with watched(browser, address) as kept:
        yield kept


@pytest.fixture
def page(kept_page) -> Iterator[Page]:
    """The page with the viewer loaded, the same for all tests. Whatever the browser complains of fails the test."""
    page, complaints = kept_page
    page.set_viewport_size(SIZE)
    page.evaluate("window.told = []")
    yield page
    page.unroute_all()
    assert complaints == []


@pytest.mark.parametrize("name", [*GRAY, "JPEG2000.dcm", "rtdose.dcm"])
def test_the_first_picture_is_the_services(page, images, name):
    row = images[name][0]
    viewer = show(page, row)
    viewer.evaluate("v => { v.style.blockSize = '1200px'; }")
    settle(page)
    assert difference(one_to_one(viewer, row.rows, row.columns), picture(page, row)) <= 1
    assert viewer.evaluate("v => v.windowing") is None


def test_overlays_are_displayed_by_their_switch_where_there_are_any(page, images):
    row = images["negative.dcm"][0]
    assert row.has_overlay
    viewer = show(page, row)
    switch = viewer.locator("[data-command=overlays]")
    expect(switch).to_be_hidden()
    viewer.evaluate("v => { v.setAttribute('overlays', ''); v.style.blockSize = '1200px'; }")
    settle(page)
    plain = one_to_one(viewer, row.rows, row.columns)
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    wait_until("overlays are drawn", lambda: difference(one_to_one(viewer, row.rows, row.columns), plain) > 60, 60, every=0.2)
    assert difference(one_to_one(viewer, row.rows, row.columns), picture(page, row, overlays="true")) <= 1
    viewer.locator(".stage").press("o")
    settle(page)
    assert difference(one_to_one(viewer, row.rows, row.columns), plain) <= 1


def window_of(viewer) -> dict[str, float]:
    windowing = viewer.evaluate("v => v.windowing")
    return {"center": windowing["center"], "width": windowing["width"]}


@pytest.mark.parametrize("name", GRAY)
@pytest.mark.parametrize("way", ["right", "shift", "tool"])
def test_a_dragged_window_is_the_services_picture_at_that_window(page, images, name, way):
    row = images[name][0]
    viewer = show(page, row)
    if way == "shift":
        page.keyboard.down("Shift")
    if way == "tool":
        viewer.get_by_role("button", name="Window", exact=False).click()
    drag(viewer, -60, 25, button="right" if way == "right" else "left")
    page.keyboard.up("Shift")
    window = window_of(viewer)
    assert window["width"] < window_of_default(viewer)["width"]
    assert window["center"] > window_of_default(viewer)["center"]
    assert difference(one_to_one(viewer, row.rows, row.columns), picture(page, row, **window)) <= 1
    expect(viewer.locator(".windowing")).to_contain_text(re.compile(r"C \S+  W \S+"))
    assert set(page.evaluate("told")) == {"windowchange", "viewchange"}


def window_of_default(viewer) -> dict[str, float]:
    header = viewer.evaluate(
        f"v => import('{STATIC}/viewer/fetch-frame.js').then((m) => m.fetchValues(v.getAttribute('values')))"
    )
    return header["header"]["window"]


@pytest.mark.parametrize("name", GRAY)
def test_inverting_is_the_services(page, images, name):
    row = images[name][0]
    viewer = show(page, row)
    viewer.locator(".stage").press("i")
    assert difference(one_to_one(viewer, row.rows, row.columns), picture(page, row, invert="true")) <= 1
    expect(viewer.locator(".windowing")).to_contain_text("inverted")
    expect(viewer.get_by_role("button", name="Invert")).to_have_attribute("aria-pressed", "true")


def test_presets_are_offered_and_shown(page, images):
    (row,) = images["CT_small.dcm"]
    viewer = show(page, row)
    menu = viewer.get_by_role("combobox", name="Window preset")
    menu.select_option(label="Lung (−600 / 1500)")
    assert window_of(viewer) == {"center": -600, "width": 1500}
    assert difference(one_to_one(viewer, row.rows, row.columns), picture(page, row, center=-600, width=1500)) <= 1
    expect(viewer.locator(".windowing")).to_have_text("C −600  W 1500 HU")
    viewer.locator(".stage").press("[")
    expect(menu.locator("option:checked")).to_have_text("Custom")
    menu.select_option(label="Default")
    assert viewer.evaluate("v => v.windowing") is None
    own = show(page, images["MR_small.dcm"][0]).get_by_role("combobox", name="Window preset")
    assert own.locator("optgroup").evaluate_all("all => all.map((g) => g.label)") == ["From the image", "From its values"]


def under_pointer(viewer) -> str:
    settle(viewer.page)
    return viewer.locator(".value").inner_text()


@pytest.mark.parametrize(("at_x", "at_y"), [(0.5, 0.5), (0.42, 0.3), (0.61, 0.8)])
def test_the_wheel_zooms_about_the_pointer(page, images, at_x, at_y):
    viewer = show(page, images["CT_small.dcm"][0])
    box = box_of(viewer.locator(".stage"))
    page.mouse.move(box["x"] + at_x * box["width"] + 0.5, box["y"] + at_y * box["height"] + 0.5)
    before = under_pointer(viewer)
    assert re.fullmatch(r"\d+, \d+  −?\d+ HU", before)
    for _ in range(4):
        page.mouse.wheel(0, -200)
        assert under_pointer(viewer) == before
    assert viewer.evaluate("v => v.view.scale") > 2
    for _ in range(5):
        page.mouse.wheel(0, 400)
    settle(page)
    assert viewer.evaluate("v => v.view.x") == 0.5


def test_the_value_under_the_pointer_is_the_pixels(page, images):
    viewer = show(page, images["negative.dcm"][0])
    viewer.locator(".stage").press("1")
    box = box_of(viewer.locator(".stage"))
    left, top = np.floor(box["width"] / 2 - 40 + 0.5), np.floor(box["height"] / 2 - 48 + 0.5)
    page.mouse.move(box["x"] + left + 7.5, box["y"] + top + 20.5)
    assert under_pointer(viewer) == f"7, 20  {PIXELS[20, 7]}"
    page.mouse.move(box["x"] + 3, box["y"] + 3)
    assert under_pointer(viewer) == ""


def test_keys_zoom_move_and_window_and_leave_others_alone(page, images):
    viewer = show(page, images["CT_small.dcm"][0])
    stage = viewer.locator(".stage")
    page.evaluate("window.heard = []; document.addEventListener('keydown', (e) => heard.push([e.key, e.defaultPrevented]))")
    stage.press("ArrowRight")
    stage.press("Escape")
    assert page.evaluate("heard") == [["ArrowRight", False], ["Escape", False]]
    before = viewer.evaluate("v => v.view")
    stage.press("+")
    stage.press("+")
    stage.press("ArrowRight")
    moved = viewer.evaluate("v => v.view")
    assert (moved["scale"], moved["x"] > before["x"], moved["y"]) == (1.25**2, True, before["y"])
    assert len(page.evaluate("heard")) == 2
    stage.press("-")
    assert viewer.evaluate("v => v.view.scale") == pytest.approx(1.25)
    stage.press("0")
    assert viewer.evaluate("v => v.view") == before
    stage.press("]")
    wide = window_of(viewer)
    stage.press("[")
    stage.press("[")
    assert window_of(viewer)["width"] < wide["width"]
    mean = canvas(viewer).mean()
    stage.press("}")
    assert canvas(viewer).mean() > mean
    stage.press("{")
    stage.press("{")
    assert canvas(viewer).mean() < mean
    stage.press("w")
    expect(viewer.get_by_role("button", name="Window", exact=False)).to_have_attribute("aria-pressed", "true")
    stage.press("r")
    assert viewer.evaluate("v => [v.view, v.windowing]") == [before, None]


def test_dragging_moves_a_zoomed_picture_and_a_double_click_resets(page, images):
    viewer = show(page, images["CT_small.dcm"][0])
    drag(viewer, 50, 0)
    assert page.evaluate("told") == []
    viewer.locator(".stage").press("+")
    drag(viewer, 50, 30)
    view = viewer.evaluate("v => v.view")
    assert view["x"] < 0.5
    assert view["y"] < 0.5
    viewer.locator(".stage").dblclick()
    assert viewer.evaluate("v => v.view") == {"scale": 1, "x": 0.5, "y": 0.5}


@pytest.mark.parametrize("name", ["SC_rgb_jpeg_gdcm.dcm", "SC_rgb_dcmtk_+eb+cr.dcm"])
def test_a_colour_image_is_shown_as_its_picture(browser, address, images, name):
    with opened(browser, address, NO_VALUES) as page:
        (row,) = images[name]
        viewer = show(page, row)
        assert difference(one_to_one(viewer, row.rows, row.columns), picture(page, row)) == 0
        for label in ("Window: drag to change brightness and contrast", "Invert"):
            expect(viewer.get_by_role("button", name=label)).to_be_disabled()
        viewer.locator(".stage").press("i")
        drag(viewer, 40, 40, button="right")
        assert difference(one_to_one(viewer, row.rows, row.columns), picture(page, row)) == 0
        expect(viewer.get_by_role("alert")).to_have_count(0)


def test_without_values_the_picture_is_shown_and_told_to_be_no_more(browser, address, images):
    (row,) = images["CT_small.dcm"]
    with opened(browser, address, "net::ERR_FAILED") as page:
        page.route("**/*.values*", lambda route: route.abort())
        viewer = show(page, row)
        expect(viewer.get_by_role("alert")).to_contain_text("Windowing")
        assert difference(one_to_one(viewer, row.rows, row.columns), picture(page, row)) == 0
        page.unroute("**/*.values*")
        viewer.get_by_role("button", name="Try again").click()
        expect(viewer.locator(".windowing")).to_contain_text("W ")
        expect(viewer.get_by_role("alert")).to_have_count(0)


def test_an_original_that_is_not_there_is_told_over_its_thumbnail(browser, changeable):
    (row,) = images_in(changeable)["CT_small.dcm"]
    shutil.move(changeable / "landing", changeable / "elsewhere")
    app = create_app(service_settings(changeable))
    with serving(app) as address, opened(browser, address, "503 (Service Unavailable)") as page:
        page.evaluate("all => { const v = document.createElement('frame-viewer'); "
                      "for (const [n, a] of Object.entries(all)) v.setAttribute(n, a); "
                      "document.getElementById('view').replaceChildren(v); }", attributes_of(row))  # fmt: skip
        viewer = page.locator("frame-viewer")
        expect(viewer.get_by_role("alert")).to_contain_text("not configured")
        expect(viewer.locator(".preview")).to_have_text("Preview")
        assert canvas(viewer).max() > 200
        shutil.move(changeable / "elsewhere", changeable / "landing")
        viewer.get_by_role("button", name="Try again").click()
        expect(viewer.get_by_role("alert")).to_have_count(0)
        expect(viewer.locator(".preview")).to_have_text("")
        assert difference(one_to_one(viewer, row.rows, row.columns), picture(page, row)) <= 1


def test_a_voi_lut_is_shown_as_the_services_picture_until_the_window_is_changed(browser, changeable):
    table = sequence_item(LUTDescriptor=[4096, 0, 8], LUTData=(np.arange(4096) ** 2 >> 16).astype("<u2").tobytes())
    row = landed_instead(changeable, dicom_bytes(dataset(PIXELS, VOILUTSequence=[table], WindowCenter=2048, WindowWidth=4096)))
    with serving(create_app(service_settings(changeable))) as address, opened(browser, address) as page:
        viewer = show(page, row)
        expect(viewer.locator(".windowing")).to_have_text("VOI LUT")
        assert difference(one_to_one(viewer, 96, 80), picture(page, row)) == 0
        viewer.locator(".stage").press("i")
        assert difference(one_to_one(viewer, 96, 80), picture(page, row, invert="true")) <= 1
        assert viewer.evaluate("v => v.windowing") == {"center": None, "width": None, "inverted": True}
        viewer.locator(".stage").press("i")
        drag(viewer, -60, 0, button="right")
        assert difference(one_to_one(viewer, 96, 80), picture(page, row, **window_of(viewer))) <= 1


def test_fractions_and_a_sigmoid_are_windowed_as_the_service_does(browser, changeable):
    exact: dict[str, Any] = {"RescaleSlope": "0.001", "RescaleIntercept": "-1.5", "VOILUTFunction": "SIGMOID"}
    row = landed_instead(changeable, dicom_bytes(dataset(PIXELS, WindowCenter=0.5, WindowWidth=2, **exact)))
    with serving(create_app(service_settings(changeable))) as address, opened(browser, address) as page:
        viewer = show(page, row)
        assert difference(one_to_one(viewer, 96, 80), picture(page, row)) <= 1
        drag(viewer, -40, 10, button="right")
        shown = one_to_one(viewer, 96, 80)
        assert difference(shown, picture(page, row, function="SIGMOID", **window_of(viewer))) <= 1


def landed_instead(folder, data: bytes) -> ImageRecord:
    """Puts another object in the place of the MONOCHROME1 radiograph, as if it had been ingested."""
    (row,) = images_in(folder)["negative.dcm"]
    (folder / "landing" / row.key).write_bytes(data)
    changed = replace(row, sha256=sha256(data).hexdigest(), bytes=len(data))
    Warehouse(open_store(str(folder / "warehouse"))).write_rows(
        ImageRecord, study_path("dicom_metadata", NEGATIVE), [changed], "changed"
    )
    return changed


def test_more_values_are_fetched_once_more_are_seen(page, images):
    (row,) = images["CT_small.dcm"]
    page.route("**/*.values?side=2048", lambda route: route.continue_(url=route.request.url.replace("2048", "32")))
    sides = []
    page.on("request", lambda request: sides.append(request.url.rpartition("?")[2]) if ".values" in request.url else None)
    page.set_viewport_size({"width": 700, "height": 500})
    with page.expect_response(lambda response: response.url.endswith(".values")):
        viewer = show(page, row)
        viewer.locator(".stage").press("+")
    assert sides[0] == "side=2048"
    assert "side=64" in sides
    shown = partial(one_to_one, viewer, row.rows, row.columns)
    wait_until("the image's own values are shown", lambda: difference(shown(), picture(page, row)) <= 1, 300, every=0.05)


def test_the_scale_bar_is_as_long_as_it_says(page, images):
    viewer = show(page, images["CT_small.dcm"][0], spacing="0.5")
    for key in ("0", "+", "1"):
        viewer.locator(".stage").press(key)
        settle(page)
        number, unit = viewer.locator(".scalebar span").inner_text().split()
        mm = float(number) * (10 if unit == "cm" else 1)
        percent = float(viewer.locator(".zoom").inner_text().removesuffix(" %"))
        length = viewer.locator(".scalebar i").evaluate("e => e.getBoundingClientRect().width")
        assert length == pytest.approx(mm / 0.5 * percent / 100, rel=0.01)
        assert 40 <= length <= 121


def test_view_and_window_can_be_kept_and_given_to_a_viewer_of_another_size(page, images):
    (row,) = images["CT_small.dcm"]
    viewer = show(page, row)
    viewer.locator(".stage").press("+")
    drag(viewer, 30, 20)
    viewer.locator(".stage").press("]")
    kept = viewer.evaluate("v => ({ view: v.view, windowing: v.windowing })")
    page.set_viewport_size({"width": 600, "height": 700})
    other = show(page, row)
    page.evaluate("window.told = []")
    other.evaluate("(v, kept) => Object.assign(v, kept)", kept)
    assert other.evaluate("v => ({ view: v.view, windowing: v.windowing })") == kept
    assert page.evaluate("told") == []
    other.evaluate("(v, row) => { v.setAttribute('src', row.src); v.setAttribute('values', row.values); }",
                   attributes_of(images["MR_small.dcm"][0]))  # fmt: skip
    assert other.evaluate("v => [v.view, v.windowing]") == [{"scale": 1, "x": 0.5, "y": 0.5}, None]


def test_two_fingers_zoom_and_one_moves(browser, address, images):
    with opened(browser, address, viewport={"width": 390, "height": 844}, has_touch=True) as page:
        viewer = show(page, images["CT_small.dcm"][0])
        box = box_of(viewer.locator(".stage"))
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        touch = page.context.new_cdp_session(page)

        def fingers(kind: str, *points: tuple[float, float]) -> None:
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": a, "y": b} for a, b in points]})

        fingers("touchStart", (x - 30, y))
        fingers("touchStart", (x - 30, y), (x + 30, y))
        fingers("touchMove", (x - 60, y), (x + 60, y))
        fingers("touchEnd")
        view = viewer.evaluate("v => v.view")
        assert view["scale"] == pytest.approx(2, rel=0.05)
        settle(page)
        fingers("touchStart", (x, y))
        fingers("touchMove", (x + 40, y + 10))
        fingers("touchEnd")
        assert viewer.evaluate("v => v.view.x") < view["x"]


def test_hostile_words_stay_text(page, images):
    viewer = show(page, images["CT_small.dcm"][0], label="<img src=x onerror=alert(1)>")
    assert viewer.locator(".stage").get_attribute("aria-label") == "<img src=x onerror=alert(1)>"
    assert viewer.locator("img").count() == 0


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_every_tool_is_within_reach(page, images, width):
    page.set_viewport_size({"width": width, "height": 844})
    viewer = show(page, images["CT_small.dcm"][0])
    box = box_of(viewer)
    for button in viewer.locator(".tools button").all():
        part = box_of(button)
        assert box["x"] <= part["x"]
        assert part["x"] + part["width"] <= box["x"] + box["width"]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_viewer_fills_the_screen_and_gives_it_back(page, images):
    viewer = show(page, images["CT_small.dcm"][0])
    button = viewer.get_by_role("button", name="Full screen")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("document.fullscreenElement.localName") == "frame-viewer"
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
