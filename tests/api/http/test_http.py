"""The service as HTTP: headers, methods, the page's files."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from medsearch_api.http.page import FOLDER
from medsearch_api.settings import Settings


@pytest.mark.slow
def test_importing_the_service_imports_neither_pipeline_nor_torch():
    program = (
        "import sys, medsearch_api.app; "
        "print([m for m in ('dagster', 'torch', 'torchvision', 'medsearch_pipeline') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_setting_is_described():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    "address", ["/", "/healthz", "/readyz", "/metrics", "/static/main.js", "/thumbnails/p1/s1/1.1.png", "/nowhere"]
)
def test_every_answer_carries_the_security_headers(client, address):
    headers = client.get(address).headers
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    is_picture = address.endswith(".png")
    assert headers["cross-origin-resource-policy"] == ("same-site" if is_picture else "same-origin")


def test_answers_of_graphql_are_never_stored(client):
    assert client.post("/graphql", json={"query": "{ index { images } }"}).headers["cache-control"] == "no-store"


def test_a_query_in_an_address_is_refused(client):
    assert client.get("/graphql", params={"query": "{ index { images } }"}).status_code == 405


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_form_of_another_site_cannot_post_a_query(client, content_type):
    response = client.post("/graphql", content=b'{"query": "{ index { images } }"}', headers={"content-type": content_type})
    assert response.status_code in (400, 415)
    assert "images" not in response.text


def test_the_page_needs_nothing_from_elsewhere(client):
    page = client.get("/").text
    for file in [*FOLDER.glob("*.js"), *FOLDER.glob("*.css"), FOLDER / "index.html"]:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"https?://|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text), file.name
    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        assert client.get(address).status_code == 200
    for module in FOLDER.glob("*.js"):
        for name in re.findall(r'from "\./([^"]+)"', module.read_text(encoding="utf-8")):
            response = client.get(f"/static/{name}")
            assert (response.status_code, response.headers["content-type"]) == (200, "text/javascript; charset=utf-8")


@pytest.mark.parametrize("address", ["/static/__init__.py", "/static/", "/static/../app.py", "/static/%2e%2e/app.js"])
def test_only_the_pages_files_are_served(client, address):
    assert client.get(address).status_code == 404
