"""The service over ingested objects, and a running embedder of the model that they were ingested with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from medsearch_api.app import create_app
from medsearch_pipeline.embedder.service import create_app as create_embedder
from medsearch_pipeline.models.protocol import Embedder
from medsearch_pipeline.models.registry import load_embedder
from medsearch_pipeline.settings import Settings
from tests.support.api_client import local_client
from tests.support.radiology import service_settings
from tests.support.serving import serving


@pytest.fixture(scope="session")
def model() -> Embedder:
    return load_embedder("efficientnet_lite0", "imagenet", batch_size=1)


@pytest.fixture(scope="session")
def embedder(model: Embedder) -> Iterator[str]:
    """The embedder's address."""
    with serving(create_embedder(Settings(embedder_max_pixels=1_000_000), model)) as address:
        yield address


@pytest.fixture
def service_with(ingested):
    """The service with an embedder at an address, and other settings."""

    def create(address: str, **others: Any) -> TestClient:
        return local_client(create_app(service_settings(ingested, api_embedder_url=address, **others)))

    return create


@pytest.fixture
def service(service_with, embedder) -> TestClient:
    return service_with(embedder)
