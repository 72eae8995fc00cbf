"""DICOMweb over the ingested objects, as a stock client and as plain HTTP."""

from __future__ import annotations

import pytest
from dicomweb_client.api import DICOMwebClient

from medsearch_api.app import create_app
from tests.support.api_client import local_client
from tests.support.radiology import images_in, service_settings
from tests.support.serving import serving


@pytest.fixture(scope="module")
def images(ingested):
    return images_in(ingested)


@pytest.fixture(scope="module")
def address(ingested):
    with serving(create_app(service_settings(ingested))) as address:
        yield address


@pytest.fixture
def web(address):
    return DICOMwebClient(f"{address}/dicomweb")


@pytest.fixture(scope="module")
def client(ingested):
    return local_client(create_app(service_settings(ingested)))
