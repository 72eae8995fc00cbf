"""Compressed responses, and the page's files under names that may be kept forever."""

from __future__ import annotations

import gzip
import json

import brotli
import pytest
import zstandard
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from medsearch_api.http.codings import MIN_BYTES, choose_coding
from medsearch_api.http.compression import Compression
from medsearch_api.http.page import FOLDER, read_page

UNPACK = {
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
    "br": brotli.decompress,
    "gzip": gzip.decompress,
}
LONG = [{"number": number} for number in range(500)]
BROWSER = "gzip, deflate, br, zstd"


async def _stream():
    for number in range(200):
        yield f"line {number} of a long text\n"


def _answer(request):
    return {
        "long": lambda: JSONResponse(LONG, headers={"etag": '"abc"', "accept-ranges": "bytes"}),
        "short": lambda: JSONResponse([1]),
        "stream": lambda: StreamingResponse(_stream(), media_type="text/plain"),
        "image": lambda: Response(b"x" * 5000, media_type="image/png"),
        "values": lambda: Response(b"x" * 5000, headers={"content-encoding": "gzip"}, media_type="text/plain"),
        "part": lambda: PlainTextResponse("x" * 5000, 206),
        "error": lambda: PlainTextResponse("x" * 5000, 500),
    }[request.path_params["kind"]]()


@pytest.fixture(scope="module")
def answers() -> TestClient:
    app = Starlette(routes=[Route("/{kind}", _answer)])
    app.add_middleware(Compression)
    return TestClient(app)


def raw(client: TestClient, address: str, coding: str, method: str = "GET", **headers: str):
    """A response and its body as it was sent."""
    with client.stream(method, address, headers={"accept-encoding": coding, **headers}) as response:
        return response, b"".join(response.iter_raw())


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", None),
        ("identity", None),
        ("deflate", None),
        (BROWSER, "zstd"),
        ("gzip, deflate, br", "br"),
        ("gzip;q=1.0, br;q=0.5, zstd;q=0", "gzip"),
        ("*", "zstd"),
        ("*;q=0", None),
        ("*;q=0.5, br;q=0.1", "zstd"),
        ("GZIP", "gzip"),
        ("gzip;q=nonsense, x y", None),
        ("gzip;q=0, *", "zstd"),
        ("gzip; q=0.000", None),
        ("gzipped", None),
    ],
)
def test_the_coding_is_what_the_client_likes_best_and_then_the_best(header, expected):
    assert choose_coding(header) == expected


@pytest.mark.parametrize("coding", UNPACK)
def test_long_text_is_compressed_and_says_so(answers, coding):
    response, body = raw(answers, "/long", coding)
    assert response.headers["content-encoding"] == coding
    assert response.headers["vary"] == "accept-encoding"
    assert response.headers["etag"] == 'W/"abc"'
    assert "content-length" not in response.headers
    assert "accept-ranges" not in response.headers
    assert len(body) < 3000
    assert json.loads(UNPACK[coding](body)) == LONG


@pytest.mark.parametrize("coding", UNPACK)
def test_a_stream_is_compressed_as_a_whole(answers, coding):
    _, body = raw(answers, "/stream", coding)
    assert UNPACK[coding](body).decode().splitlines() == [f"line {number} of a long text" for number in range(200)]


@pytest.mark.parametrize("kind", ["short", "image", "values", "part", "error"])
def test_what_is_short_or_compressed_or_no_whole_text_stays_as_it_is(answers, kind):
    expected, unpacked = raw(answers, f"/{kind}", "identity")
    response, body = raw(answers, f"/{kind}", BROWSER)
    assert body == unpacked
    assert response.headers == expected.headers


def test_a_client_that_accepts_none_gets_the_text_and_caches_learn_that_it_varies(answers):
    response, body = raw(answers, "/long", "identity")
    assert (json.loads(body), response.headers["etag"], response.headers["vary"]) == (LONG, '"abc"', "accept-encoding")
    head, nothing = raw(answers, "/long", BROWSER, "HEAD")
    assert (nothing, head.headers.get("content-encoding")) == (b"", None)


def test_a_long_answer_of_graphql_is_compressed_and_a_short_one_is_not(client):
    fields = " ".join(f"a{n}: images" for n in range(15))
    for query, is_long in ((f"{{ index {{ {fields} }} }}", False), ("{ __schema { types { name } } }", True)):
        response = client.post("/graphql", json={"query": query}, headers={"accept-encoding": "gzip"})
        assert "data" in response.json()
        assert (len(response.content) >= MIN_BYTES) is is_long
        assert ("content-encoding" in response.headers) is is_long


@pytest.mark.parametrize("coding", [*UNPACK, "identity"])
def test_the_pages_files_come_compressed_once_and_may_be_kept_forever(client, coding):
    page = read_page()
    response, body = raw(client, f"{page.prefix}/main.js", coding)
    assert UNPACK.get(coding, bytes)(body) == (FOLDER / "main.js").read_bytes()
    assert response.headers.get("content-encoding", "identity") == coding
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["vary"] == "accept-encoding"
    etag = response.headers["etag"]
    held, nothing = raw(client, f"{page.prefix}/main.js", coding, **{"if-none-match": etag})
    assert (held.status_code, nothing, held.headers["etag"]) == (304, b"", etag)
    assert held.headers["cache-control"] == response.headers["cache-control"]


def test_every_coding_has_an_entity_tag_of_its_own(client):
    tags = {raw(client, f"{read_page().prefix}/main.js", coding)[0].headers["etag"] for coding in [*UNPACK, "identity"]}
    assert len(tags) == 4


@pytest.mark.parametrize("prefix", ["/static", "/static/0123456789abcdef"])
def test_a_name_without_this_version_is_asked_for_again_each_time(client, prefix):
    response = client.get(f"{prefix}/main.js")
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-cache")


def test_the_page_itself_is_asked_for_again_each_time_and_names_this_version_alone(client):
    response = client.get("/")
    assert response.headers["cache-control"] == "no-cache"
    assert response.text.count('"/static/') == response.text.count(f'"{read_page().prefix}/') > 50
    etag = response.headers["etag"]
    assert client.get("/", headers={"if-none-match": etag}).status_code == 304
