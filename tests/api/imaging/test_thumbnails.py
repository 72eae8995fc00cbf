"""Thumbnails over HTTP."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

import pytest

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
