"""How tests open viewers in the page and read what is on their canvas."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, FloatRect, Locator, Page, expect

from medsearch_core.records import ImageRecord
from tests.support.page import STATIC

SIZE = {"width": 1120, "height": 640}

_PREPARE = """async () => {
    document.getElementById('page').replaceWith(Object.assign(document.createElement('main'), { id: 'view' }));
    await import('/static/viewer/frame-viewer.js');
    window.told = [];
    for (const name of ['viewchange', 'windowchange']) document.addEventListener(name, () => window.told.push(name));
}""".replace("/static", STATIC)

_SHOW = """(all) => document.getElementById('view').replaceChildren(...all.map((attributes) => {
    const viewer = document.createElement('frame-viewer');
    for (const [name, value] of Object.entries(attributes)) viewer.setAttribute(name, value);
    return viewer;
}))"""


@contextmanager
def opened(browser: Browser, address: str, expected: str | None = None, **context: Any) -> Iterator[Page]:
    """Another such page, of which the browser may complain as expected."""
    with watched(browser, address, **context) as (page, complaints):
        yield page
    assert [text for text in complaints if expected is None or expected not in text] == []


@contextmanager
def watched(browser: Browser, address: str, **context: Any) -> Iterator[tuple[Page, list[str]]]:
    """A page with the viewer loaded, and what the browser complains of."""
    page = browser.new_page(**({"viewport": SIZE} | context))
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    prepare(page)
    yield page, complaints
    page.close()


def prepare(page: Page) -> None:
    """Clears a page that is open, loads the viewer into it, and notes its events."""
    expect(page.locator("#holdings")).to_contain_text("images")
    page.evaluate(_PREPARE)


def attributes_of(row: ImageRecord, **others: Any) -> dict[str, str]:
    place = f"{row.patient}/{row.study}/{row.image_id}"
    addresses = {"src": f"/images/{place}.png", "values": f"/images/{place}.values", "thumbnail": f"/thumbnails/{place}.png"}
    return {**addresses, "label": "An image"} | others


def show(page: Page, *rows: ImageRecord, **others: Any) -> Locator:
    """The first of new viewers in the page, when all show their images."""
    page.evaluate(_SHOW, [attributes_of(row, **others) for row in rows])
    expect(page.locator("frame-viewer[data-ready]")).to_have_count(len(rows))
    return page.locator("frame-viewer").first


def settle(page: Page) -> None:
    """Waits until what was done is painted."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def canvas(viewer: Locator) -> np.ndarray:
    """What the canvas shows, uint8 `[rows, columns, 3]`."""
    settle(viewer.page)
    png = viewer.evaluate("v => v.querySelector('canvas').toDataURL('image/png')").partition(",")[2]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB"))


def one_to_one(viewer: Locator, rows: int, columns: int) -> np.ndarray:
    """The image on the canvas at one pixel of it to one of the screen."""
    viewer.locator(".stage").press("1")
    shown = canvas(viewer)
    left, top = (int(np.floor(full / 2 - part / 2 + 0.5)) for full, part in ((shown.shape[1], columns), (shown.shape[0], rows)))
    return shown[top : top + rows, left : left + columns]


def picture(page: Page, row: ImageRecord, **parameters: Any) -> np.ndarray:
    """The service's PNG, uint8 `[rows, columns, 3]`."""
    address = attributes_of(row)["src"]
    response = page.request.get(f"{page.url.split('/#')[0].rstrip('/')}{address}", params=parameters)
    assert response.ok, response.text()
    return np.asarray(Image.open(io.BytesIO(response.body())).convert("RGB"))


def difference(one: np.ndarray, other: np.ndarray) -> int:
    """The most levels that two pictures differ by anywhere."""
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other).max())


def box_of(shown: Locator) -> FloatRect:
    """Where an element is on the screen, and its size."""
    box = shown.bounding_box()
    assert box, "it is not shown"
    return box


def drag(viewer: Locator, dx: int, dy: int, button: Literal["left", "middle", "right"] = "left") -> None:
    """A drag from the middle of the stage."""
    box = box_of(viewer.locator(".stage"))
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse = viewer.page.mouse
    mouse.move(x, y)
    mouse.down(button=button)
    mouse.move(x + dx, y + dy, steps=4)
    mouse.up(button=button)


def complaints_of_axe(page: Page, selector: str) -> list[str]:
    """What breaks WCAG 2.2 AA in a part of the page, as axe finds it."""
    rules = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
    found = Axe().run(page, context=selector, options=rules)
    return [f"{broken['id']}: {broken['nodes'][0]['html']}" for broken in found.response["violations"]]
