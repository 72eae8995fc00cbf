"""A file is read into memory and forgotten: nothing of it on disk or in logs, no torch beside it, no other site's forms."""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile

import numpy as np
import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from medsearch_api.app import create_app
from tests.support.api_client import settings_of
from tests.support.factories import dataset, dicom_bytes
from tests.support.oidc_settings import oidc_settings
from tests.support.page_sign_in import HOME, OWN, sign_in
from tests.support.paths import PROJECT_ROOT
from tests.support.radiology import negative
from tests.support.upload_client import EMBEDDING, asked, sent

LARGE = dicom_bytes(dataset(np.random.default_rng(1).integers(0, 4096, (900, 1000), dtype=np.uint16), PatientName="Doe^Jane"))
SECRET = "hush"


class OnDisk(Exception):
    """A file was about to be written."""


@pytest.fixture
def no_disk(monkeypatch):
    def write(*args, **kwargs):
        raise OnDisk

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", write)
    for name in ("TemporaryFile", "NamedTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, write)


def test_a_file_is_never_on_disk(service, no_disk):
    assert len(LARGE) > 2**20
    told = asked(service, LARGE)["data"]["embedding"]
    assert (told["rows"], told["columns"]) == (900, 1000)


def test_the_test_of_that_would_notice(no_disk):
    async def app(scope, receive, send):
        async with Request(scope, receive).form():
            raise AssertionError("it is on disk by now")

    with pytest.raises(OnDisk):
        sent(TestClient(app), LARGE, EMBEDDING)


def test_nothing_of_a_file_is_logged(service, caplog):
    with caplog.at_level(logging.DEBUG):
        assert "errors" not in asked(service, LARGE)
        assert "errors" in asked(service, LARGE[:-10])
    assert "medsearch.access" in {record.name for record in caplog.records}
    lines = [f"{r.getMessage()} {r.__dict__}" for r in caplog.records]
    assert not [line for line in lines if "Doe" in line or "DICM" in line]


ALONE = """
import json, sys
import httpx
from starlette.testclient import TestClient
from medsearch_api.app import create_app
from medsearch_api.settings import Settings
index, warehouse, embedder, file = sys.argv[1:]
app = create_app(Settings(index=index, warehouse=warehouse, api_sign_in="development", api_embedder_url=embedder))
client = TestClient(app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50000))
form = {
    "operations": json.dumps({"query": "query($f: Upload!) { embedding(upload: $f) { format } }", "variables": {"f": None}}),
    "map": '{"0": ["variables.f"]}',
}
print(client.post("/graphql", data=form, files={"0": open(file, "rb").read()}).text)
print([name for name in ("torch", "torchvision", "dagster", "medsearch_pipeline") if name in sys.modules])
"""


def test_there_is_no_torch_in_the_service(ingested, embedder, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(negative())
    places = (str(ingested / "index"), str(ingested / "warehouse"), embedder, str(file))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ALONE, *places],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ['{"data":{"embedding":{"format":"DICOM"}}}', "[]"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:3000", "https://127.0.0.1:8000"])
def test_in_development_another_sites_forms_are_refused(service, origin):
    assert sent(service, negative(), EMBEDDING, {"origin": origin}).status_code == 403
    assert service.post("/graphql", json={"query": "{ index { images } }"}, headers={"origin": origin}).status_code == 403
    assert service.get("/healthz", headers={"origin": origin}).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"origin": "http://127.0.0.1:8000"}])
def test_in_development_the_pages_own_forms_are_answered(service, headers):
    assert "errors" not in sent(service, negative(), EMBEDDING, headers).json()


@pytest.fixture
def signed_in(hospital, issuer, embedder):
    settings = oidc_settings(hospital, issuer, api_embedder_url=embedder)
    with TestClient(create_app(settings), base_url=HOME, follow_redirects=False) as client:
        sign_in(client)
        yield client


@pytest.mark.parametrize("headers", [{}, {"origin": "https://evil.example"}, {"origin": "null"}])
def test_with_a_session_another_sites_forms_are_refused(signed_in, headers):
    assert sent(signed_in, negative(), EMBEDDING, headers).status_code == 403


def test_with_a_session_the_pages_own_forms_are_answered(signed_in):
    (error,) = sent(signed_in, negative(), EMBEDDING, OWN).json()["errors"]
    assert error["extensions"]["code"] == "MODEL_MISMATCH", "the hospital's index is of no real model"


def test_who_has_not_signed_in_can_give_no_file(hospital, issuer, embedder):
    with TestClient(create_app(oidc_settings(hospital, issuer, api_embedder_url=embedder)), base_url=HOME) as client:
        assert sent(client, negative(), EMBEDDING, OWN).status_code == 401


def test_the_token_is_in_no_settings_text(hospital):
    assert SECRET not in repr(settings_of(hospital, api_embedder_token=SECRET))
