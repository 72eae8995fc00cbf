"""The hospital behind the AppSync API."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from medsearch_api.app import create_app
from medsearch_core.search.documents import study_documents
from medsearch_core.search.embedded.index import open_embedded
from tests.support.api_client import local_client, settings_of
from tests.support.appsync_client import asked_at
from tests.support.hospital import HEART, embedding_records, fill, image_records, report_record


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hospital, with a report that also names signs and symptoms."""
    folder = tmp_path_factory.mktemp("ward")
    fill(folder)
    report = replace(
        report_record(HEART),
        positive_signs=["enlarged heart"],
        negative_signs=["opacity"],
        positive_symptoms=["dyspnea"],
        negative_symptoms=["cough"],
    )
    heart = study_documents(HEART.key, image_records(HEART), embedding_records(HEART), [report], "with signs and symptoms")
    open_embedded(str(folder / "index")).upsert([heart])
    return folder


@pytest.fixture
def sample(ward):
    return asked_at(ward)


@pytest.fixture
def refused(ward):
    """Asks what must fail, and gives the whole answer."""
    client = local_client(create_app(settings_of(ward)))
    return lambda query: client.post("/appsync/graphql", json={"query": query}).json()
