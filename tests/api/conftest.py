"""The service over a small hospital, asked as a browser on this machine would ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from api_world import fill
from starlette.applications import Starlette
from starlette.testclient import TestClient

from medsearch_api.app import create_app
from medsearch_api.settings import Settings

Ask = Callable[..., dict[str, Any]]


def local_client(app: Starlette) -> TestClient:
    """A client on this machine."""
    return TestClient(app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50000))


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a filled warehouse and index, which no test may change."""
    folder = tmp_path_factory.mktemp("hospital")
    fill(folder)
    return folder


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings come from the test alone."""
    import os

    for name in [n for n in os.environ if n.startswith("MEDSEARCH_")]:
        monkeypatch.delenv(name)


def settings_of(folder: Path, **others: Any) -> Settings:
    """Development settings over a folder made by `fill`."""
    chosen = {"warehouse": str(folder / "warehouse"), "index": str(folder / "index"), "api_sign_in": "development"}
    return Settings(**(chosen | others))


@pytest.fixture(scope="session")
def client(hospital: Path) -> Iterator[TestClient]:
    with local_client(create_app(settings_of(hospital))) as client:
        yield client


def asking(client: TestClient) -> Ask:
    """Runs a query and gives the whole answer."""

    def ask(query: str, **variables: Any) -> dict[str, Any]:
        answer: dict[str, Any] = client.post("/graphql", json={"query": query, "variables": variables}).json()
        return answer

    return ask


@pytest.fixture
def ask(client: TestClient) -> Ask:
    return asking(client)


def code_of(answer: dict[str, Any]) -> str:
    """The code of an answer's only error."""
    (error,) = answer["errors"]
    code: str = error["extensions"]["code"]
    return code
