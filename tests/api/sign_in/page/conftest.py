"""A service whose page signs in at a real issuer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from medsearch_api.app import create_app
from tests.support.oidc_settings import oidc_settings
from tests.support.page_sign_in import HOME


@pytest.fixture
def service(hospital, issuer) -> Iterator[TestClient]:
    with TestClient(create_app(oidc_settings(hospital, issuer)), base_url=HOME, follow_redirects=False) as client:
        yield client
