"""Conditional requests and byte ranges of thumbnails (RFC 9110 sections 13 and 14)."""

from __future__ import annotations

import pytest

from tests.support.hospital import radiograph

ADDRESS = "/thumbnails/p1/s1/1.1.png"
PNG = radiograph("PA", "1.1", 32)
SIZE = len(PNG)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("Bytes= 10-19", 10, 19),
        ("bytes=10-", 10, SIZE - 1),
        ("bytes=-10", SIZE - 10, SIZE - 1),
        ("bytes=0-999999999", 0, SIZE - 1),
        ("bytes=-999999999", 0, SIZE - 1),
    ],
)
def test_one_range_is_answered_with_that_part(client, asked, first, last):
    response = client.get(ADDRESS, headers={"range": asked})
    assert (response.status_code, response.content) == (206, PNG[first : last + 1])
    assert response.headers["content-range"] == f"bytes {first}-{last}/{SIZE}"
    assert response.headers["content-length"] == str(last - first + 1)
    assert response.headers["etag"] == client.get(ADDRESS).headers["etag"]


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}", "bytes=-0"])
def test_a_range_beyond_the_end_is_not_satisfiable(client, asked):
    response = client.get(ADDRESS, headers={"range": asked})
    assert (response.status_code, response.headers["content-range"]) == (416, f"bytes */{SIZE}")


@pytest.mark.parametrize("asked", ["bytes=5-1", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,4-5", "bytes=+1-2", ""])
def test_what_is_no_single_range_is_ignored(client, asked):
    response = client.get(ADDRESS, headers={"range": asked})
    assert (response.status_code, response.content) == (200, PNG)
    assert response.headers["accept-ranges"] == "bytes"


def test_a_range_of_another_version_gets_the_whole(client):
    etag = client.get(ADDRESS).headers["etag"]
    part = {"range": "bytes=0-3"}
    assert client.get(ADDRESS, headers=part | {"if-range": etag}).status_code == 206
    for other in ('"other"', f"W/{etag}", "Wed, 21 Oct 2015 07:28:00 GMT"):
        assert client.get(ADDRESS, headers=part | {"if-range": other}).content == PNG


def test_what_a_client_holds_or_insists_on_comes_before_ranges(client):
    etag = client.get(ADDRESS).headers["etag"]
    part = {"range": "bytes=0-3"}
    assert client.get(ADDRESS, headers=part | {"if-none-match": etag}).status_code == 304
    assert client.get(ADDRESS, headers=part | {"if-match": etag}).status_code == 206
    assert client.get(ADDRESS, headers=part | {"if-match": '"other"'}).status_code == 412
    assert client.get(ADDRESS, headers={"if-match": f"W/{etag}"}).status_code == 412


def test_head_has_no_ranges(client):
    response = client.head(ADDRESS, headers={"range": "bytes=0-3"})
    assert (response.status_code, response.headers["content-length"]) == (200, str(SIZE))
