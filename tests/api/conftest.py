"""The service over a small hospital, asked as a browser on this machine would ask."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from starlette.testclient import TestClient

from medsearch_api.app import create_app
from tests.support.api_client import Ask, asking, local_client, settings_of
from tests.support.browser import chromium
from tests.support.hospital import fill
from tests.support.landed_hospital import fill_and_land
from tests.support.oidc_issuer import OidcIssuer, issuing
from tests.support.radiology import radiology
from tests.support.shared import made_once


@pytest.fixture(scope="session")
def hospital() -> Path:
    """The folder of a filled warehouse and index, which no test may change."""
    return made_once("hospital", fill)


@pytest.fixture(scope="session")
def landed() -> Path:
    """The same hospital with the originals of its images, which no test may change."""
    return made_once("landed", fill_and_land)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings come from the test alone."""
    for name in [n for n in os.environ if n.startswith("MEDSEARCH_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def client(hospital: Path) -> Iterator[TestClient]:
    with local_client(create_app(settings_of(hospital))) as client:
        yield client


@pytest.fixture
def ask(client: TestClient) -> Ask:
    return asking(client)


@pytest.fixture(scope="session")
def ingested() -> Path:
    """The folder of real objects that were ingested, which no test may change."""
    return made_once("radiology", radiology)


@pytest.fixture
def changeable(ingested: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    for name in ("landing", "warehouse", "index"):
        shutil.copytree(ingested / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def issuer() -> Iterator[OidcIssuer]:
    """An OpenID Connect issuer that answers."""
    with issuing() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser
