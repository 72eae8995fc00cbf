"""How tests search by a file: a form of the GraphQL multipart request specification."""

from __future__ import annotations

import json
from typing import Any

import httpx
from starlette.testclient import TestClient

EMBEDDING = (
    "query($f: Upload!) { embedding(upload: $f) { vector modelId modelVersion format frame frames rows columns thumbnail } }"
)
SIMILAR = "query($f: Upload!) { similarImages(upload: $f, first: 5) { edges { score node { id } } } }"


def form_of(query: str, **variables: Any) -> dict[str, str]:
    """The fields of a form whose file is the variable f."""
    operations = {"query": query, "variables": {"f": None} | variables}
    return {"operations": json.dumps(operations), "map": json.dumps({"0": ["variables.f"]})}


def sent(client: TestClient | httpx.Client, data: bytes, query: str, headers: dict[str, str] | None = None, **variables: Any):
    """The response to a query with a file."""
    files = {"0": ("Doe^Jane.dcm", data, "application/dicom")}
    return client.post("/graphql", data=form_of(query, **variables), files=files, headers=headers or {})


def asked(client: TestClient | httpx.Client, data: bytes, query: str = EMBEDDING, **variables: Any) -> dict[str, Any]:
    """The answer to a query with a file."""
    answer: dict[str, Any] = sent(client, data, query, **variables).json()
    return answer
