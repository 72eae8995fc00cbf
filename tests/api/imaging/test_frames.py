"""Frames rendered on request, against the core's own rendering and the standard's formula."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest

from medsearch_api.app import create_app
from medsearch_api.imaging.errors import RequestError
from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.pixels import render_frame
from medsearch_core.dicom.thumbnails import decode_png
from medsearch_core.records import ImageRecord
from tests.support.api_client import local_client
from tests.support.paths import PROJECT_ROOT
from tests.support.radiology import FILES, GRAPHICS, NEGATIVE_KEY, PIXELS, images_in, negative, service_settings


@pytest.fixture(scope="module")
def images(ingested):
    return images_in(ingested)


@pytest.fixture(scope="module")
def client(ingested):
    return local_client(create_app(service_settings(ingested)))


def address_of(row: ImageRecord) -> str:
    return f"/images/{row.patient}/{row.study}/{row.image_id}.png"


def picture(client, row, **parameters) -> np.ndarray:
    response = client.get(address_of(row), params=parameters)
    assert (response.status_code, response.headers["content-type"]) == (200, "image/png"), response.text
    return decode_png(response.content)


@pytest.mark.parametrize("name", [*FILES, "negative.dcm"])
def test_every_frame_is_the_cores_own_rendering_in_full(client, images, ingested, name):
    for row in images[name]:
        ds = read_dataset((ingested / "landing" / row.key).read_bytes())
        expected = render_frame(ds, row.frame)
        assert expected.shape[:2] == (row.rows, row.columns)
        assert np.array_equal(picture(client, row), expected)


def test_frames_of_one_object_differ(client, images):
    frames = [picture(client, row) for row in images["rtdose.dcm"]]
    assert len(frames) == 15
    assert len({frame.tobytes() for frame in frames}) > 1


def linear(x: np.ndarray, center: float, width: float) -> np.ndarray:
    """PS3.3 C.11.2.1.2.1 to 0…255, as written there."""
    inside = ((x - (center - 0.5)) / max(width - 1, 1) + 0.5) * 255
    return np.where(x <= center - 0.5 - (width - 1) / 2, 0.0, np.where(x > center - 0.5 + (width - 1) / 2, 255.0, inside))


@pytest.mark.parametrize(("center", "width"), [(40, 400), (-600, 1500), (2048.5, 256), (100, 1)])
def test_a_window_is_the_standards_formula_over_the_modalitys_values(client, images, center, width):
    (row,) = images["CT_small.dcm"]
    stored = np.frombuffer(_pixel_data("CT_small.dcm"), "<i2").reshape(row.rows, row.columns)
    hounsfield = stored * 1.0 - 1024
    shown = picture(client, row, center=center, width=width).astype(int)
    assert np.abs(shown - linear(hounsfield, center, width)).max() <= 0.51


def _pixel_data(name: str) -> bytes:
    import pydicom
    import pydicom.data

    ds = pydicom.dcmread(Path(pydicom.data.__file__).parent / "test_files" / name)
    assert (ds.RescaleSlope, ds.RescaleIntercept) == (1, -1024)
    return ds.PixelData


def test_monochrome1_is_shown_dark_on_bright_and_inverted_back(client, images):
    (row,) = images["negative.dcm"]
    bright = linear(PIXELS, 1000, 500)
    assert np.abs(picture(client, row, center=1000, width=500).astype(int) - (255 - bright)).max() <= 0.51
    assert np.abs(picture(client, row, center=1000, width=500, invert="true").astype(int) - bright).max() <= 0.51
    own = picture(client, row)
    assert np.abs(picture(client, row, invert="true").astype(int) + own - 255).max() <= 1
    assert np.array_equal(picture(client, row, invert="false"), own)


def test_overlays_are_drawn_on_request_alone(client, images):
    (row,) = images["negative.dcm"]
    plain, drawn = picture(client, row), picture(client, row, overlays="true")
    over = np.zeros(plain.shape, bool)
    over[2:18, 4:20] = GRAPHICS
    assert (drawn[over] == 255).all()
    assert np.array_equal(drawn[~over], plain[~over])
    assert np.array_equal(picture(client, row, overlays="false"), plain)
    assert not (plain[over] == 255).all()
    etags = {client.get(address_of(row), params=p).headers["etag"] for p in ({}, {"overlays": "true"}, {"overlays": "false"})}
    assert len(etags) == 2
    assert client.get(address_of(row), params={"overlays": "yes"}).status_code == 400


def test_other_window_functions_can_be_asked_for(client, images):
    (row,) = images["negative.dcm"]
    exact = picture(client, row, center=1000, width=0.5, function="linear_exact", invert="true")
    assert np.array_equal(exact, np.where(PIXELS >= 1000.25, 255, np.where(PIXELS <= 999.75, 0, 128)).astype(np.uint8))
    sigmoid = picture(client, row, center=1000, width=500, function="SIGMOID", invert="true").astype(int)
    assert np.abs(sigmoid - 255 / (1 + np.exp(-4 * (PIXELS - 1000.0) / 500))).max() <= 0.51


def test_a_smaller_picture_has_the_longest_side_asked_for(client, images):
    (row,) = images["negative.dcm"]
    assert picture(client, row, side=48).shape == (48, 40)
    assert picture(client, row, side=65535).shape == (96, 80)


@pytest.mark.parametrize("parameters", [{"center": 1, "width": 2}, {"invert": "true"}])
def test_a_colour_image_has_no_window(client, images, parameters):
    response = client.get(address_of(images["SC_rgb_jpeg_gdcm.dcm"][0]), params=parameters)
    assert (response.status_code, response.text.startswith("Invalid request: ")) == (400, True)


@pytest.mark.parametrize(
    "query",
    [
        "center=1",
        "width=1",
        "function=LINEAR",
        "center=1&width=0.5",
        "center=1&width=-4",
        "center=nan&width=4",
        "center=1&width=inf",
        "center=1e999&width=4",
        "center=1&width=4&function=CUBIC",
        "side=0",
        "side=65536",
        "side=1_0",
        "invert=yes",
        "window=1,2,linear",
        "side=10&side=20",
    ],
)
def test_parameters_out_of_range_are_refused_with_a_sentence(client, images, query):
    response = client.get(f"{address_of(images['negative.dcm'][0])}?{query}")
    assert response.status_code == 400
    assert response.text.startswith("Invalid request: ")


def test_caching_and_ranges(client, images):
    address = address_of(images["negative.dcm"][0])
    whole = client.get(address)
    etag = whole.headers["etag"]
    assert whole.headers["cache-control"] == "private, max-age=60, must-revalidate"
    held = client.get(address, headers={"if-none-match": etag})
    assert (held.status_code, held.content, held.headers["etag"]) == (304, b"", etag)
    part = client.get(address, headers={"range": "bytes=8-15"})
    assert (part.status_code, part.content) == (206, whole.content[8:16])
    assert part.headers["content-range"] == f"bytes 8-15/{len(whole.content)}"
    beyond = client.get(address, headers={"range": f"bytes={len(whole.content)}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(whole.content)}")
    others = {client.get(address, params=p).headers["etag"] for p in ({"side": 9}, {"invert": "true"}, {})}
    assert len(others) == 3
    assert etag in others


def test_a_held_picture_costs_no_decoding_and_a_rendered_one_is_kept(changeable):
    app = create_app(service_settings(changeable))
    client = local_client(app)
    (row,) = images_in(changeable)["negative.dcm"]
    first = client.get(address_of(row))
    assert app.state.imaging.renderer.cache.bytes == len(first.content)
    shutil.rmtree(changeable / "landing")
    assert client.get(address_of(row)).content == first.content
    assert client.get(address_of(row), headers={"if-none-match": first.headers["etag"]}).status_code == 304
    assert client.get(address_of(row), params={"side": 9}).status_code == 503


def test_the_cache_stays_within_its_bytes(ingested, images):
    app = create_app(service_settings(ingested, api_picture_cache_bytes=8_000))
    client, cache = local_client(app), app.state.imaging.renderer.cache
    for side in range(50, 96):
        picture(client, images["negative.dcm"][0], side=side)
        assert cache.bytes <= 8_000
    assert cache.bytes > 7_000


@pytest.mark.parametrize(
    "parts",
    [
        ("..", "..", "secret"),
        ("p10000032", "s50414267", "../../../landing/secret"),
        ("p10000032", "s50414267", "..\\secret"),
        ("p10000032", "s50414267", "1.1\0"),
        ("p10000032", "s50414267", "a" * 101),
        ("p 1", "s1", "1.1"),
        ("p10000032", "s50414267", "2.25.50414267.1.1_2"),
        ("p10000032", "s50414268", "2.25.50414267.1.1"),
        ("p10000032", "s50414267", "' OR 1=1"),
    ],
)
def test_odd_addresses_are_not_found(client, parts):
    patient, study, image = (quote(part, safe="") for part in parts)
    assert client.get(f"/images/{patient}/{study}/{image}.png").status_code == 404


def refusal(folder, **others) -> tuple[int, str]:
    (row,) = images_in(folder)["negative.dcm"]
    response = local_client(create_app(service_settings(folder, **others))).get(address_of(row))
    return response.status_code, response.text


def test_an_object_that_changed_is_refused(changeable):
    file = changeable / "landing" / NEGATIVE_KEY
    data = negative()
    for other in (data[:-1] + bytes([data[-1] ^ 1]), data + b"\0\0", data[:-2], b""):
        file.write_bytes(other)
        status, sentence = refusal(changeable)
        assert (status, sentence.endswith("Ingest its study again.")) == (409, True)
    file.unlink()
    assert refusal(changeable)[0] == 503


def test_a_missing_landing_store_is_told_and_search_goes_on(changeable):
    shutil.rmtree(changeable / "landing")
    app = create_app(service_settings(changeable))
    assert local_client(app).get("/readyz").status_code == 200
    assert refusal(changeable)[0] == 503
    assert not (changeable / "landing").exists()


def test_a_corrupt_object_gives_a_sentence_and_the_service_lives_on(changeable):
    """Indexed as it is, so that only decoding can find out: garbage in place of a JPEG's Huffman table."""
    from dataclasses import replace
    from hashlib import sha256

    from medsearch_core.keys import StudyKey
    from medsearch_core.storage.open import open_store
    from medsearch_core.storage.warehouse import Warehouse, study_path

    (row,) = images_in(changeable)["SC_rgb_jpeg_gdcm.dcm"]
    file = changeable / "landing" / row.key
    data = bytearray(file.read_bytes())
    start = data.index(b"\xff\xc4") + 5
    data[start : start + 16] = b"\xff" * 16
    file.write_bytes(data)
    warehouse = Warehouse(open_store(str(changeable / "warehouse")))
    place = study_path("dicom_metadata", StudyKey(row.patient, row.study))
    rows = [
        replace(r, sha256=sha256(data).hexdigest(), bytes=len(data)) if r.key == row.key else r
        for r in warehouse.read_rows(ImageRecord, place)
    ]
    warehouse.write_rows(ImageRecord, place, rows, "changed")
    client = local_client(create_app(service_settings(changeable)))
    response = client.get(address_of(row))
    assert response.status_code == 422, response.text
    assert response.text.startswith("The original cannot be displayed (undecodable_pixel_data): ")
    assert picture(client, images_in(changeable)["SC_rgb_dcmtk_+eb+cr.dcm"][0]).shape == (100, 100, 3)


def test_limits_on_size_are_told(ingested):
    assert refusal(ingested, api_max_pixels=96 * 80 - 1)[0] == 413
    assert refusal(ingested, api_max_pixels=96 * 80)[0] == 200
    assert refusal(ingested, api_max_object_bytes=1000)[0] == 413


def test_more_work_than_fits_is_refused_and_not_piled_up(ingested):
    import asyncio
    import threading

    from medsearch_api.imaging.pool import WorkPool

    async def all_that_can_go_on() -> None:
        for _ in range(100):
            await asyncio.sleep(0)

    async def crowd() -> list[object]:
        pool, go = WorkPool(1, 2), threading.Event()
        running = [asyncio.create_task(pool.run(go.wait)) for _ in range(5)]
        await all_that_can_go_on()
        running[2].cancel()  # a client that went away makes room
        await all_that_can_go_on()
        running.append(asyncio.create_task(pool.run(go.wait)))
        await all_that_can_go_on()
        go.set()
        return await asyncio.gather(*running, return_exceptions=True)

    outcome = asyncio.run(crowd())
    assert [type(o) for o in outcome] == [bool, bool, asyncio.CancelledError, RequestError, RequestError, bool]
    refused = outcome[3]
    assert isinstance(refused, RequestError)
    assert (refused.status, refused.retry_after) == (503, 1)


def test_the_service_is_installed_with_every_decoder_the_pipeline_has():
    extras = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    decoders = {package for package in extras["pipeline"] if package.startswith(("pylibjpeg", "imagecodecs"))}
    assert len(decoders) == 4
    assert decoders <= set(extras["api"])
