"""Thumbnails over HTTP."""

from __future__ import annotations

import hashlib
import io
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from medsearch_api.app import create_app
from medsearch_api.imaging.small_thumbnails import MAX_BYTES, encode_small
from medsearch_core.dicom.thumbnails import encode_png
from tests.support.api_client import local_client, settings_of
from tests.support.hospital import radiograph

ADDRESS = "/thumbnails/p1/s1/1.1.png"


def test_a_thumbnail_is_the_warehouses_png(client):
    response = client.get(ADDRESS)
    png = radiograph("PA", "1.1", 32)
    assert (response.status_code, response.content) == (200, png)
    assert response.headers["content-type"] == "image/png"
    assert response.headers["etag"] == f'"{hashlib.sha256(png).hexdigest()}"'
    assert response.headers["cache-control"] == "private, max-age=60, must-revalidate"


def test_a_browser_that_holds_it_gets_304_and_no_bytes(client):
    etag = client.get(ADDRESS).headers["etag"]
    for held in (etag, f'"other", W/{etag}', "*"):
        response = client.get(ADDRESS, headers={"if-none-match": held})
        assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", etag)
    assert client.get(ADDRESS, headers={"if-none-match": '"other"'}).status_code == 200


def test_a_thumbnail_that_is_not_there_is_not_found(client):
    assert client.get("/thumbnails/p1/s1/9.9.png").status_code == 404
    assert client.get("/thumbnails/p9/s9/1.1.png").status_code == 404


@pytest.mark.parametrize(
    "parts",
    [
        ("..", "..", "secret"),
        ("p1", "..", "secret"),
        ("p1", "s1", "../../../secret"),
        ("p1", "s1", "..\\secret"),
        ("p1", "s1", ".."),
        ("p1", "s1", ".hidden"),
        ("p1", "s1", "1.1\n"),
        ("p1", "s1", "1.1\0"),
        ("p1", "s1", "a" * 101),
        ("p 1", "s1", "1.1"),
    ],
)
def test_no_address_leads_out_of_the_thumbnails(client, hospital, parts):
    (hospital / "secret.png").write_bytes(b"secret")
    (hospital / "warehouse" / "secret.png").write_bytes(b"secret")
    patient, study, image = (quote(part, safe="") for part in parts)
    assert client.get(f"/thumbnails/{patient}/{study}/{image}.png").status_code == 404


SMALL = "/thumbnails/p1/s1/1.1.webp"


def test_a_small_thumbnail_is_the_same_picture_in_few_bytes(client):
    response, png = client.get(SMALL), client.get(ADDRESS)
    assert response.headers["content-type"] == "image/webp"
    assert response.headers["cache-control"] == "private, max-age=60, must-revalidate"
    assert response.headers["cross-origin-resource-policy"] == "same-site"
    small, stored = (np.asarray(Image.open(io.BytesIO(r.content)).convert("L"), float) for r in (response, png))
    assert small.shape == stored.shape  # it is small already, and not enlarged
    assert np.abs(small - stored).mean() < 8


def test_a_small_thumbnail_is_revalidated_like_the_other(client):
    etag = client.get(SMALL).headers["etag"]
    assert etag != client.get(ADDRESS).headers["etag"]
    held = client.get(SMALL, headers={"if-none-match": etag})
    assert (held.status_code, held.content, held.headers["etag"]) == (304, b"", etag)
    assert client.get("/thumbnails/p1/s1/9.9.webp").status_code == 404
    assert client.get("/thumbnails/p1/s1/..%2f1.1.webp").status_code == 404


def test_a_changed_thumbnail_changes_the_small_one(changeable):
    with local_client(create_app(settings_of(changeable))) as client:
        (path, *_) = sorted((changeable / "warehouse" / "thumbnails").rglob("*.png"))
        patient, study = path.parts[-3:-1]
        address = f"/thumbnails/{patient}/{study}/{path.stem}.webp"
        before = client.get(address)
        assert before.status_code == 200
        path.write_bytes(encode_png(np.full((40, 30), 200, np.uint8)))
        after = client.get(address)
        assert after.headers["etag"] != before.headers["etag"]
        assert Image.open(io.BytesIO(after.content)).size == (30, 40)


@pytest.mark.parametrize("shape", [(512, 400), (512, 512, 3), (20, 512)])
def test_whatever_the_picture_shows_a_small_one_has_at_most_384_pixels_and_10_kb(shape):
    noise = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    small = encode_small(encode_png(noise))
    assert len(small) <= MAX_BYTES
    assert max(Image.open(io.BytesIO(small)).size) <= 384


def test_a_stored_thumbnail_that_is_damaged_is_an_error_without_a_picture(changeable):
    with local_client(create_app(settings_of(changeable))) as client:
        (path, *_) = sorted((changeable / "warehouse" / "thumbnails").rglob("*.png"))
        path.write_bytes(b"\x89PNG\r\n\x1a\nnothing")
        patient, study = path.parts[-3:-1]
        assert client.get(f"/thumbnails/{patient}/{study}/{path.stem}.webp").status_code == 422


def test_graphql_names_both(ask):
    answer = ask('{ image(id: "1.1") { thumbnailUrl smallThumbnailUrl } }')
    assert answer == {"data": {"image": {"thumbnailUrl": ADDRESS, "smallThumbnailUrl": SMALL}}}
