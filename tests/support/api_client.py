"""How tests reach the service: settings over a folder, a client on this machine, and a function that runs a query."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from medsearch_api.settings import Settings

Ask = Callable[..., dict[str, Any]]


def settings_of(folder: Path, **others: Any) -> Settings:
    """Development settings over a folder made by `fill`."""
    chosen = {"warehouse": str(folder / "warehouse"), "index": str(folder / "index"), "api_sign_in": "development"}
    return Settings(**(chosen | others))


def local_client(app: Starlette) -> TestClient:
    """A client on this machine."""
    return TestClient(app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50000))


def asking(client: TestClient) -> Ask:
    """Runs a query and gives the whole answer."""

    def ask(query: str, **variables: Any) -> dict[str, Any]:
        answer: dict[str, Any] = client.post("/graphql", json={"query": query, "variables": variables}).json()
        return answer

    return ask


def code_of(answer: dict[str, Any]) -> str:
    """The code of an answer's only error."""
    (error,) = answer["errors"]
    code: str = error["extensions"]["code"]
    return code
