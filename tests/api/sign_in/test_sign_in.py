"""Nobody is let in unless a setting says so, and then only this machine."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from medsearch_api.app import create_app, main
from medsearch_api.sign_in.guard import UNAUTHENTICATED_PATHS
from medsearch_core.errors import ConfigurationError
from tests.support.api_client import local_client, settings_of


def app_of(hospital):
    return create_app(settings_of(hospital))


@pytest.mark.parametrize("value", ["", "none", "Development", "OIDC"])
def test_without_a_known_way_to_sign_in_there_is_no_service(hospital, value):
    with pytest.raises(ConfigurationError, match=r"API_SIGN_IN=oidc.*API_SIGN_IN=development"):
        create_app(settings_of(hospital, api_sign_in=value))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org", ""])
def test_development_does_not_listen_beyond_loopback(hospital, host):
    with pytest.raises(ConfigurationError, match="loopback only"):
        create_app(settings_of(hospital, api_host=host))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_development_listens_on_loopback(hospital, host):
    assert create_app(settings_of(hospital, api_host=host))


def test_the_command_ends_with_a_sentence_when_sign_in_is_not_configured(capsys):
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert str(stopped.value).startswith("Sign-in is not configured")


def test_the_command_names_a_setting_it_cannot_read(monkeypatch):
    monkeypatch.setenv("MEDSEARCH_API_PORT", "many")
    with pytest.raises(SystemExit, match="MEDSEARCH_API_PORT"):
        main([])


ADDRESSES = ["/", *UNAUTHENTICATED_PATHS, "/static/main.js", "/thumbnails/p1/s1/1.1.png", "/graphql", "/appsync/graphql"]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "[::2]", "a@127.0.0.1"])
def test_a_name_that_was_rebound_to_this_machine_is_refused(hospital, address, host):
    client = local_client(app_of(hospital))
    assert client.get(address, headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "[::1]"])
def test_this_machines_own_names_are_answered(hospital, host):
    assert local_client(app_of(hospital)).get("/healthz", headers={"host": host}).json() == {"status": "ok"}


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("client", [("10.0.0.7", 5000), ("testclient", 5000), ("::ffff:10.0.0.7", 5000)])
def test_another_machine_is_refused(hospital, address, client):
    other = TestClient(app_of(hospital), base_url="http://127.0.0.1:8000", client=client)
    assert other.get(address).status_code == 403


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_proxy_that_speaks_for_somebody_else_is_refused(hospital, header):
    assert local_client(app_of(hospital)).get("/healthz", headers={header: "127.0.0.1"}).status_code == 403
