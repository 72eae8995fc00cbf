"""The issuer's keys: rotated, asked for by strangers, withdrawn, and not to be had."""

from __future__ import annotations

import asyncio

import pytest
from starlette.testclient import TestClient

from medsearch_api.app import create_app
from medsearch_api.sign_in.issuer import MAX_AGE_S, REFRESH_S, RETRY_S, Issuer, IssuerUnavailable
from tests.support.oidc_issuer import rsa
from tests.support.oidc_settings import ANSWERED, ask, is_refused, oidc_settings


def test_a_rotated_key_is_fetched_once_it_is_needed(service, issuer, monkeypatch):
    assert ask(service, issuer.access_token()).json() == ANSWERED
    assert issuer.asked["keys"] == 1
    monkeypatch.setattr("medsearch_api.sign_in.issuer.RETRY_S", 0)
    old, issuer.keys = issuer.keys[0], [rsa("rsa-2")]
    assert ask(service, issuer.access_token()).json() == ANSWERED
    assert issuer.asked["keys"] == 2
    assert is_refused(ask(service, issuer.access_token(key=old)))


def test_a_flood_of_unknown_keys_does_not_reach_the_issuer(service, issuer):
    assert ask(service, issuer.access_token()).json() == ANSWERED
    foreign = rsa("x")
    for number in range(40):
        token = issuer.access_token(key=foreign, header={"kid": f"unknown-{number}"})
        assert is_refused(ask(service, token))
    assert issuer.asked == {"discovery": 1, "keys": 1}
    assert ask(service, issuer.access_token()).json() == ANSWERED


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_unknown_keys_at_once_are_asked_for_once(issuer):
    async def flood() -> None:
        clock = Clock()
        asking = Issuer(issuer.url, clock)
        found = await asyncio.gather(*(asking.key("rsa-1" if i % 2 else f"unknown-{i}") for i in range(200)))
        assert [key is not None for key in found] == [bool(i % 2) for i in range(200)]
        assert issuer.asked == {"discovery": 1, "keys": 1}
        clock.now += RETRY_S
        await asyncio.gather(*(asking.key(f"unknown-{i}") for i in range(200)))
        assert issuer.asked == {"discovery": 2, "keys": 2}

    asyncio.run(flood())


def test_keys_outlive_an_issuer_that_is_away_but_not_for_ever(issuer):
    async def outage() -> None:
        clock = Clock()
        asking = Issuer(issuer.url, clock)
        assert await asking.key("rsa-1")
        issuer.is_failing = True
        clock.now += REFRESH_S + 1
        assert await asking.key("rsa-1")
        assert issuer.asked["discovery"] == 2
        assert await asking.key("rsa-1")
        assert issuer.asked["discovery"] == 2
        with pytest.raises(IssuerUnavailable):
            await asking.key("not-known")
        clock.now += MAX_AGE_S
        with pytest.raises(IssuerUnavailable):
            await asking.key("rsa-1")
        issuer.is_failing = False
        clock.now += RETRY_S
        assert await asking.key("rsa-1")

    asyncio.run(outage())


def test_a_withdrawn_key_is_forgotten_when_the_keys_are_read_again(issuer):
    async def withdrawn() -> None:
        clock = Clock()
        asking = Issuer(issuer.url, clock)
        assert await asking.key("rsa-1")
        issuer.keys = [rsa("rsa-2")]
        clock.now += REFRESH_S + 1
        assert await asking.key("rsa-1") is None
        assert await asking.key(None)

    asyncio.run(withdrawn())


def test_a_service_without_keys_lets_nobody_in(hospital, issuer):
    with TestClient(create_app(oidc_settings(hospital, issuer))) as service:
        issuer.is_failing = True
        for _ in range(3):
            response = ask(service, issuer.access_token())
            assert (response.status_code, response.headers["retry-after"]) == (503, str(RETRY_S))
            assert response.json()["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}
        assert issuer.asked == {"discovery": 1}


def test_an_issuer_that_does_not_answer_at_all_is_a_503(hospital, issuer):
    with TestClient(create_app(oidc_settings(hospital, "http://127.0.0.1:9"))) as service:
        assert ask(service, issuer.access_token()).status_code == 503


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://another.example"},
        {"issuer": None},
        {"jwks_uri": "http://another.example/keys"},
        {"jwks_uri": None},
        {"token_endpoint": "ftp://localhost/token"},
    ],
    ids=str,
)
def test_a_discovery_document_that_is_not_the_issuers_is_not_used(service, issuer, changes):
    issuer.discovery_changes = changes
    assert ask(service, issuer.access_token()).status_code == 503
    assert issuer.asked == {"discovery": 1}
