"""The embedder over HTTP: vectors for files, a reason for what gives none, and nothing for strangers."""

from __future__ import annotations

import base64
import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import numpy as np
import pytest

from medsearch_core.dicom.thumbnails import decode_png
from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.cli import main
from medsearch_pipeline.embedder.service import MAX_CONCURRENT_UPLOADS, create_app
from medsearch_pipeline.models.preprocessing import letterbox
from medsearch_pipeline.models.protocol import Embedder
from medsearch_pipeline.models.registry import load_embedder
from medsearch_pipeline.settings import Settings
from tests.support.embedders import Boundless, Failing, Waiting, first_to_end
from tests.support.factories import dataset, dicom_bytes
from tests.support.pictures import PDF, TEXT, jpeg, png, png_bomb
from tests.support.serving import serving

TOKEN = "secret"
PICTURE = np.add.outer(np.arange(90), np.arange(70)).astype(np.uint8)
DICOM = dicom_bytes(dataset(np.arange(96 * 80, dtype=np.uint16).reshape(96, 80), PatientName="Doe^Jane"))


def posted(address: str, data: bytes, **headers: Any) -> httpx.Response:
    return httpx.post(f"{address}/embed", content=data, headers=headers, trust_env=False, timeout=300)


def vector_in(answer: dict[str, Any]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(answer["vector"]), "<f4")


def test_it_says_which_model_it_is(address: str, embedder: Embedder) -> None:
    told = {"model_id": embedder.model_id, "model_version": embedder.model_version, "dimensions": 1280}
    assert httpx.get(f"{address}/model").json() == told
    assert httpx.get(f"{address}/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize(("data", "kind"), [(DICOM, "DICOM"), (png(PICTURE), "PNG"), (jpeg(PICTURE), "JPEG")])
def test_a_file_gets_the_vector_that_a_run_gives_its_thumbnail(
    address: str, embedder: Embedder, data: bytes, kind: str
) -> None:
    answer = posted(address, data).json()
    vector, seen = vector_in(answer), decode_png(base64.b64decode(answer["thumbnail"]))
    in_a_run = load_embedder("efficientnet_lite0", "imagenet")
    assert (answer["model_id"], answer["model_version"]) == (in_a_run.model_id, in_a_run.model_version)
    assert (answer["format"], answer["frame"], answer["frames"], answer["dimensions"]) == (kind, 1, 1, len(vector))
    assert (answer["rows"], answer["columns"]) == seen.shape[:2]
    expected = in_a_run.embed(letterbox(seen, in_a_run.side)[np.newaxis])[0]
    assert vector @ expected / np.linalg.norm(vector) / np.linalg.norm(expected) >= 0.999999


@pytest.mark.parametrize(
    ("data", "status", "reason"),
    [
        (b"", 400, "empty_object"),
        (TEXT, 400, "not_an_image"),
        (PDF, 400, "not_an_image"),
        (DICOM[:-100], 400, "truncated_pixel_data"),
        (png(PICTURE)[:-30], 400, "undecodable_pixel_data"),
        (png_bomb(2000), 413, "unsupported_pixel_format"),
        (bytes(200_001), 413, "too_large"),
    ],
)
def test_what_gives_no_vector_gets_a_reason(address: str, data: bytes, status: int, reason: str) -> None:
    refused = posted(address, data)
    assert (refused.status_code, refused.json()["reason"]) == (status, reason)
    assert refused.json()["detail"]


def test_a_file_that_takes_more_memory_than_it_may_is_refused_and_the_next_is_embedded(embedder: Embedder) -> None:
    settings = Settings(embedder_max_pixels=10**9, embedder_memory_gib=0.5)
    with serving(create_app(settings, embedder)) as address:
        refused = posted(address, png_bomb(13_000))
        assert (refused.status_code, refused.json()["reason"]) == (400, "undecodable_pixel_data")
        assert "0.5 GiB" in refused.json()["detail"]
        assert posted(address, DICOM).status_code == 200


def test_a_file_that_does_not_say_how_long_it_is_ends_at_the_limit(address: str) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(30):
            yield bytes(10_000)

    assert httpx.post(f"{address}/embed", content=chunks()).json()["reason"] == "too_large"


def test_a_file_that_does_not_arrive_gives_its_place_to_another(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medsearch_pipeline.embedder.service.ARRIVAL_SECONDS", 1)
    host, port = address.removeprefix("http://").split(":")
    head = b"POST /embed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\nx"
    with ExitStack() as stack:
        halves = [stack.enter_context(socket.create_connection((host, int(port)), 300)) for _ in range(MAX_CONCURRENT_UPLOADS)]
        for half in halves:
            half.sendall(head)
        for half in halves:
            assert b" 408 " in half.recv(1000).splitlines()[0]
        monkeypatch.setattr("medsearch_pipeline.embedder.service.ARRIVAL_SECONDS", 300)
        assert posted(address, DICOM).status_code == 200


def test_its_kind_is_told_by_content_alone(address: str) -> None:
    answer = posted(address, png(PICTURE), **{"content-type": "application/dicom", "content-disposition": "filename=a.dcm"})
    assert answer.json()["format"] == "PNG"


def test_only_who_knows_the_token_is_answered(embedder: Embedder) -> None:
    with serving(create_app(Settings(embedder_host="0.0.0.0", embedder_token=TOKEN), embedder)) as address:
        assert httpx.get(f"{address}/healthz").status_code == 200
        for headers in ({}, {"authorization": "Bearer Secret"}, {"authorization": "secret"}, {"authorization": "Bearer"}):
            refused = posted(address, DICOM, **headers)
            assert (refused.status_code, refused.json()["reason"]) == (401, "unauthorized")
            assert httpx.get(f"{address}/model", headers=headers).status_code == 401
        assert posted(address, DICOM, authorization=f"Bearer {TOKEN}").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[::2]:8001"])
def test_without_a_token_a_name_that_was_rebound_to_this_machine_is_refused(address: str, host: str) -> None:
    assert posted(address, DICOM, host=host).status_code == 400


@pytest.mark.parametrize("host", ["localhost:8001", "127.0.0.1", "[::1]:8001"])
def test_this_machines_own_names_are_answered(address: str, host: str) -> None:
    assert posted(address, DICOM, host=host).status_code == 200


def test_a_web_page_is_refused(address: str) -> None:
    assert posted(address, DICOM, origin="http://127.0.0.1:8000").status_code == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org"])
def test_it_does_not_start_beyond_this_machine_without_a_token(
    host: str, embedder: Embedder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigurationError, match="MEDSEARCH_EMBEDDER_TOKEN"):
        create_app(Settings(embedder_host=host), embedder)
    monkeypatch.setenv("MEDSEARCH_EMBEDDER_HOST", host)
    assert main(["embedder"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "MEDSEARCH_EMBEDDER_TOKEN" in line


def test_more_files_than_it_holds_are_turned_away_at_once(embedder: Embedder) -> None:
    waiting = Waiting(embedder)
    with serving(create_app(Settings(), waiting)) as address:
        refused, answered = first_to_end(lambda: posted(address, DICOM), MAX_CONCURRENT_UPLOADS + 1, waiting.go.set)
        assert (refused.status_code, refused.json()["reason"]) == (503, "busy")
        assert [answer.status_code for answer in answered] == [200] * MAX_CONCURRENT_UPLOADS
        assert posted(address, DICOM).status_code == 200


def test_a_vector_that_is_none_is_not_given(embedder: Embedder) -> None:
    with serving(create_app(Settings(), Boundless(embedder))) as address:
        refused = posted(address, DICOM)
    assert (refused.status_code, refused.json()["reason"]) == (400, "vector_not_finite")


def test_of_what_nobody_expected_the_type_alone_is_logged(embedder: Embedder, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), serving(create_app(Settings(), Failing(embedder))) as address:
        failed = posted(address, DICOM)
    assert (failed.status_code, failed.json()["reason"]) == (500, "internal")
    assert "Jane" not in failed.text
    assert [r.getMessage() for r in caplog.records if r.name == "medsearch.embedder"] == ["a request failed: RuntimeError"]
    assert "Jane" not in caplog.text
