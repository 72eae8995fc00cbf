"""Asks as the sample's clients do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medsearch_api.app import create_app
from medsearch_api.backends.context import open_backends
from tests.support.api_client import local_client, settings_of

SECTIONS_AND_LISTS = """Impression Findings PositiveSigns NegativeSigns PositiveDiagnoses NegativeDiagnoses PositiveSymptoms
    NegativeSymptoms"""
ROWS = f"{{ {SECTIONS_AND_LISTS} Images {{ ReportId ImageId Bucket Key }} }}"
"""What the sample's search page asks of every report."""


def asked_at(folder: Path, opened=open_backends):
    """Asks as the sample's clients do and gives the data."""
    client = local_client(create_app(settings_of(folder), opened))

    def ask(query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        answer = client.post("/appsync/graphql", json=body, headers={"content-type": "application/json; charset=UTF-8"}).json()
        assert "errors" not in answer, answer
        (data,) = answer["data"].values()
        return data

    return ask
