"""Values of frames over HTTP, against pydicom's own modality transform and the service's pictures."""

from __future__ import annotations

import gzip
import json
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import zstandard
from pydicom import dcmread
from pydicom.pixels.processing import apply_modality_lut

from medsearch_api.app import create_app
from medsearch_core.dicom.thumbnails import decode_png
from medsearch_core.records import ImageRecord
from tests.support.api_client import local_client
from tests.support.radiology import PIXELS, images_in, service_settings

GRAY = ("CT_small.dcm", "JPEG2000.dcm", "MR_small.dcm", "rtdose.dcm", "negative.dcm")
COLOR = ("SC_rgb_jpeg_gdcm.dcm", "SC_rgb_dcmtk_+eb+cr.dcm")


@pytest.fixture(scope="module")
def images(ingested):
    return images_in(ingested)


@pytest.fixture(scope="module")
def client(ingested):
    return local_client(create_app(service_settings(ingested)))


def address_of(row: ImageRecord, ending: str = "values") -> str:
    return f"/images/{row.patient}/{row.study}/{row.image_id}.{ending}"


def parsed(body: bytes) -> tuple[dict[str, Any], np.ndarray]:
    length = int.from_bytes(body[:4], "little")
    header = json.loads(body[4 : 4 + length])
    stored = np.frombuffer(body[4 + length :], "<u2").reshape(header["rows"], header["columns"])
    return header, stored * header["slope"] + header["intercept"]


def values(client, row, **parameters) -> tuple[dict[str, Any], np.ndarray]:
    response = client.get(address_of(row), params=parameters)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/octet-stream"), response.text
    return parsed(response.content)


@pytest.mark.parametrize("name", GRAY)
def test_values_are_pydicoms_own(client, images, ingested, name):
    ds = dcmread(BytesIO((ingested / "landing" / images[name][0].key).read_bytes()))
    frames = ds.pixel_array.reshape(-1, ds.Rows, ds.Columns)
    for row in images[name]:
        header, found = values(client, row)
        expected = apply_modality_lut(frames[row.frame - 1], ds)
        assert (header["fullRows"], header["fullColumns"]) == expected.shape == found.shape
        assert np.abs(found - expected).max() <= (0 if header["slope"] == 1 else 0.51 * header["slope"])
    assert header["slope"] == 1 or name == "rtdose.dcm"


def test_what_values_measure_is_told_with_its_unit(client, images):
    header, _ = values(client, images["negative.dcm"][0])
    (found,) = header["realWorld"]
    expected = {"label": "DENSITY", "unit": "mg/cm3", "low": 0, "high": 4000, "slope": 0.5, "intercept": -10, "table": None}
    assert found == expected
    assert values(client, images["CT_small.dcm"][0])[0]["realWorld"] == []


def linear(x: np.ndarray, header: dict[str, Any]) -> np.ndarray:
    """PS3.3 C.11.2.1.2.1 to 0…255."""
    assert (header["function"], header["isWindowed"]) == ("LINEAR", True)
    center, width = header["window"]["center"], header["window"]["width"]
    levels = np.clip(((x - (center - 0.5)) / (width - 1) + 0.5) * 255, 0, 255)
    return 255 - levels if header["lowIsBright"] else levels


@pytest.mark.parametrize("name", [name for name in GRAY if name != "rtdose.dcm"])
@pytest.mark.parametrize("parameters", [{}, {"side": 60}])
def test_their_first_window_gives_the_services_picture(client, images, name, parameters):
    (row,) = images[name]
    header, found = values(client, row, **parameters)
    picture = decode_png(client.get(address_of(row, "png"), params=parameters).content)
    assert np.abs(linear(found, header) - picture).max() <= 1


def test_low_values_are_told_to_be_bright_in_monochrome1(client, images):
    header, found = values(client, images["negative.dcm"][0])
    assert np.array_equal(found, PIXELS)
    assert header["lowIsBright"] is True
    assert header["window"] == {"center": 2048.0, "width": 4096.0}
    assert header["presets"] == [{"name": None, "center": 2048.0, "width": 4096.0}]
    assert header["fullRange"] == {"center": 2048.0, "width": 4096.0}
    assert values(client, images["CT_small.dcm"][0])[0]["lowIsBright"] is False


def test_hounsfield_units_may_be_negative(client, images):
    header, found = values(client, images["CT_small.dcm"][0])
    assert found.min() == header["intercept"] < 0
    assert header["unit"] == "HU"
    assert values(client, images["MR_small.dcm"][0])[0]["unit"] is None


def test_fewer_values_are_means_of_the_full_frame(client, images):
    header, found = values(client, images["negative.dcm"][0], side=48)
    assert found.shape == (48, 40)
    assert (header["fullRows"], header["fullColumns"]) == (96, 80)
    blocks = PIXELS.reshape(48, 2, 40, 2).mean((1, 3))
    assert np.abs(found - blocks).max() <= header["slope"]


@pytest.mark.parametrize("name", COLOR)
def test_a_colour_image_has_no_values(client, images, name):
    response = client.get(address_of(images[name][0]))
    assert (response.status_code, ".png" in response.text) == (406, True)


@pytest.mark.parametrize("query", ["side=0", "side=65536", "side=1&side=2", "center=1&width=2", "side=x"])
def test_parameters_out_of_range_are_refused_with_a_sentence(client, images, query):
    response = client.get(f"{address_of(images['negative.dcm'][0])}?{query}")
    assert response.status_code == 400
    assert response.text.startswith("Invalid request: ")


@pytest.mark.parametrize("address", ["/images/p10000032/s50414267/2.9.values", "/images/p%201/s1/1.1.values"])
def test_odd_addresses_are_not_found(client, address):
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("accepted", "coding", "unpack"),
    [
        ("gzip, deflate, br, zstd", "zstd", zstandard.ZstdDecompressor().decompress),
        ("gzip, deflate, br", "gzip", gzip.decompress),
    ],
)
def test_they_are_compressed_for_those_who_take_it_and_kept(ingested, images, accepted, coding, unpack):
    app = create_app(service_settings(ingested))
    client, address = local_client(app), address_of(images["negative.dcm"][0])
    plain = client.get(address, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with client.stream("GET", address, headers={"accept-encoding": accepted}) as response:
        raw = b"".join(response.iter_raw())
    assert response.headers["content-encoding"] == coding
    assert response.headers["vary"] == plain.headers["vary"] == "accept-encoding"
    assert response.headers["etag"] != plain.headers["etag"]
    assert unpack(raw) == plain.content
    assert app.state.imaging.renderer.cache.bytes == len(raw) + len(plain.content)


def test_caching_and_ranges(client, images):
    address, plain = address_of(images["negative.dcm"][0]), {"accept-encoding": "identity"}
    whole = client.get(address, headers=plain)
    assert whole.headers["cache-control"] == "private, max-age=60, must-revalidate"
    held = client.get(address, headers={**plain, "if-none-match": whole.headers["etag"]})
    assert (held.status_code, held.content) == (304, b"")
    assert held.headers["vary"] == "accept-encoding"
    part = client.get(address, headers={**plain, "range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, whole.content[:4])
    assert client.get(address, params={"side": 9}, headers=plain).headers["etag"] != whole.headers["etag"]


def test_limits_on_size_hold_for_values(ingested, images):
    def status(pixels: int) -> int:
        app = create_app(service_settings(ingested, api_max_pixels=pixels))
        return local_client(app).get(address_of(images["negative.dcm"][0])).status_code

    assert (status(96 * 80 - 1), status(96 * 80)) == (413, 200)


def test_an_object_that_changed_is_refused(changeable):
    (row,) = images_in(changeable)["negative.dcm"]
    (changeable / "landing" / row.key).write_bytes(b"something else")
    assert local_client(create_app(service_settings(changeable))).get(address_of(row)).status_code == 409
