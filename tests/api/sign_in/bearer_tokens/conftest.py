"""A service that believes the bearer tokens of a real issuer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from medsearch_api.app import create_app
from tests.support.oidc_settings import oidc_settings


@pytest.fixture
def service(hospital, issuer) -> Iterator[TestClient]:
    with TestClient(create_app(oidc_settings(hospital, issuer)), base_url="http://localhost:8000") as client:
        yield client
