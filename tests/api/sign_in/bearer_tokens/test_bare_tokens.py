"""Clients of AppSync send a token without a scheme: it is believed at their address, judged as any other, and nowhere else."""

from __future__ import annotations

import logging

import pytest

from medsearch_api.http.logs import JsonLines
from medsearch_api.sign_in.guard import APPSYNC
from tests.support.oidc_issuer import rsa
from tests.support.oidc_settings import ASKED, is_refused

REPORT = {"query": '{ getReport(ReportId: "s1") { ReportId } }'}
FOUND = {"data": {"getReport": {"ReportId": "s1"}}}


def as_amplify(service, token, address=APPSYNC):
    return service.post(address, json=REPORT, headers={"authorization": token})


def test_a_token_is_believed_with_and_without_the_scheme(service, issuer):
    for said in ("", "Bearer ", "bearer "):
        response = as_amplify(service, said + issuer.access_token())
        assert (response.status_code, response.json()) == (200, FOUND)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1},
        {"aud": "another"},
        {"iss": "http://127.0.0.1:1"},
        {"token_use": "id"},
        {"cnf": {"jkt": "x"}},
        {"alg": "none"},
        {"key": rsa("unknown"), "header": {"kid": "unknown"}},
    ],
    ids=lambda claims: " ".join(claims),
)
def test_without_the_scheme_a_token_is_judged_as_with_it(service, issuer, claims):
    assert is_refused(as_amplify(service, issuer.access_token(**claims)))


def test_a_token_without_a_role_opens_nothing(service, issuer):
    response = as_amplify(service, issuer.access_token(groups=["visitors"]))
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")


@pytest.mark.parametrize("said", ["Basic {}", "Token {}", "{} {}", "Bearer", "x", "a.b.c", "Bearer Bearer {}", "DPoP {}"])
def test_what_is_no_bare_token_is_refused(service, issuer, said):
    assert is_refused(as_amplify(service, said.replace("{}", issuer.access_token())))


@pytest.mark.parametrize(
    "address", ["/graphql", "/appsync/graphql/", "//appsync/graphql", "/appsync/graphql/x", "/Appsync/graphql"]
)
def test_elsewhere_a_token_without_the_scheme_is_refused(service, issuer, address):
    response = service.post(f"http://localhost:8000{address}", json=ASKED, headers={"authorization": issuer.access_token()})
    assert is_refused(response)


@pytest.mark.parametrize("address", ["/thumbnails/p1/s1/1.1.png", "/dicomweb/studies"])
def test_pictures_and_dicomweb_want_the_scheme_too(service, issuer, address):
    assert is_refused(service.get(address, headers={"authorization": issuer.access_token()}))


def test_no_bare_token_stands_in_a_log(service, issuer, caplog):
    with caplog.at_level(logging.DEBUG):
        as_amplify(service, issuer.access_token())
        as_amplify(service, issuer.access_token(exp=1))
        service.post("/graphql", json=ASKED, headers={"authorization": issuer.access_token()})
    said = "\n".join(f"{JsonLines().format(record)} {record.exc_text or ''}" for record in caplog.records)
    assert "a token was rejected: scheme" in said
    assert not [token for token in issuer.given for part in token.split(".") if part and part in said]
