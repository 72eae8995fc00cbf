"""What a client is told when something goes wrong, and what is not told."""

from __future__ import annotations

import logging

import pytest

from medsearch_api.app import create_app
from medsearch_api.backends.context import Backends, open_backends
from medsearch_api.http.logs import JsonLines
from medsearch_core.errors import NoSuchRelease, StorageError
from tests.support.api_client import asking, code_of, local_client, settings_of
from tests.support.hospital import StudyOf, fill

PERSON = "Jane Doe"


class Failing:
    """A backend whose every method raises."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name):
        def fail(*args):
            raise self._error

        return fail


def failing_with(hospital, error):
    return lambda settings: Backends(Failing(error), open_backends(settings_of(hospital)).warehouse)


def asking_over(hospital, error):
    return asking(local_client(create_app(settings_of(hospital), failing_with(hospital, error))))


@pytest.mark.parametrize(
    "query",
    [
        '{ similarImages(imageId: "1.1", k: 0) { totalCount } }',
        "{ similarImages { totalCount } }",
        '{ similarImages(imageId: "1.1", vector: [1]) { totalCount } }',
        "{ similarImages(vector: []) { totalCount } }",
        "{ similarImages(vector: [0, 0, 0, 0]) { totalCount } }",
        "{ similarImages(vector: [1, 2]) { totalCount } }",
        "{ similarImages(vector: [1, 0, 0, 0], exclude: PATIENT) { totalCount } }",
        '{ hybridSearch(query: "effusion", vector: [1, 0, 0, 0], exclude: STUDY) { totalCount } }',
        '{ hybridSearch(query: "effusion") { totalCount } }',
        '{ hybridSearch(query: "effusion", imageId: "1.1", vector: [1]) { totalCount } }',
        '{ hybridSearch(query: "effusion", vector: [1, 2]) { totalCount } }',
        "{ searchReports(first: -1) { totalCount } }",
        '{ searchReports(after: "not a cursor") { totalCount } }',
        '{ searchReports(after: "") { totalCount } }',
        '{ searchReports(after: "\u00e4") { totalCount } }',
        '{ searchReports(filters: {fromDate: "2019-02-30"}) { totalCount } }',
        '{ searchReports(filters: {present: [" "]}) { totalCount } }',
        "{ facets(field: PRESENT_CODES, size: 0) { value } }",
        '{ facets(field: PRESENT_CODES, query: "effusion", likeReport: "s1") { value } }',
        '{ study(patient: "..", study: "s1") { study } }',
        '{ patient(patient: "..") { patient } }',
        "{ nothing }",
        "{ image }",
        "{",
        'query { image(id: "1.1") { ...absent } }',
        "mutation { image }",
        "subscription { image }",
    ],
)
def test_a_clients_mistake_is_called_one(ask, query):
    assert {e["extensions"]["code"] for e in ask(query)["errors"]} == {"BAD_USER_INPUT"}


@pytest.mark.parametrize(
    "query",
    [
        '{ similarImages(imageId: "1.1", k: 501) { totalCount } }',
        '{ similarImages(imageId: "1.1", first: 201) { totalCount } }',
        '{ hybridSearch(imageId: "1.1", query: "", first: 201) { totalCount } }',
        "{ searchReports(first: 201) { totalCount } }",
        '{ reportsLike(reportId: "s1", first: 2147483647) { totalCount } }',
        '{ patient(patient: "p1") { images(first: 201) { totalCount } } }',
        '{ report(id: "s1") { images(first: 201) { totalCount } } }',
        "{ facets(field: PRESENT_CODES, size: 201) { value } }",
    ],
)
def test_more_than_a_request_may_have_is_a_limit(ask, query):
    assert code_of(ask(query)) == "LIMIT_EXCEEDED"


def test_words_vectors_and_filters_have_a_longest_length(ask):
    words = "query ($q: String!) { searchReports(query: $q) { totalCount } }"
    assert code_of(ask(words, q="a" * 1001)) == "LIMIT_EXCEEDED"
    vector = "query ($v: [Float!]) { similarImages(vector: $v) { totalCount } }"
    assert code_of(ask(vector, v=[1.0] * 8193)) == "LIMIT_EXCEEDED"
    filters = "query ($f: Filters) { searchReports(filters: $f) { totalCount } }"
    for name in ("patients", "studies", "reports", "withoutImages", "withoutPresent"):
        assert code_of(ask(filters, f={name: ["p"] * 201})) == "LIMIT_EXCEEDED"
        assert code_of(ask(filters, f={name: ["p"] * 50_000})) == "LIMIT_EXCEEDED"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ('{ similarImages(imageId: "9.9") { totalCount } }', "similarImages"),
        ('{ hybridSearch(imageId: "9.9", query: "") { totalCount } }', "hybridSearch"),
        ('{ reportsLike(reportId: "s9") { totalCount } }', "reportsLike"),
        ('{ facets(field: STUDY, likeReport: "s9") { value } }', "facets"),
    ],
)
def test_likeness_to_what_is_not_indexed_is_not_found(ask, query, field):
    what = "image" if "image" in query else "report"
    assert ask(query) == {
        "data": None,
        "errors": [
            {
                "message": f"the {what} is not in the index",
                "locations": [{"line": 1, "column": 3}],
                "path": [field],
                "extensions": {"code": "NOT_FOUND"},
            }
        ],
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "Unable to parse request body as JSON"),
        (b"\xff", "Unable to parse request body as JSON"),
        (b"[" * 100_000, "Unable to parse request body as JSON"),
        (b"5", "The request body must be a JSON object"),
        (b"null", "The request body must be a JSON object"),
        (b"{}", "No GraphQL query found in the request"),
        (b'[{"query": "{ index { images } }"}]', "Batching is not enabled"),
    ],
)
def test_a_request_that_is_no_query_is_refused_with_a_code(client, body, message):
    response = client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert response.json() == {"errors": [{"message": message, "extensions": {"code": "BAD_USER_INPUT"}}]}


def test_introspection_is_for_development_unless_a_setting_says_otherwise(hospital):
    told = "{ __schema { queryType { name } } }"
    named = '{ __type(name: "Image") { name } }'
    off = asking(local_client(create_app(settings_of(hospital, api_introspection=False))))
    assert (code_of(off(told)), code_of(off(named))) == ("FORBIDDEN", "FORBIDDEN")
    assert "errors" not in off("{ __typename index { __typename images } }")
    (error,) = off("{ picture { images } }")["errors"]
    assert error["message"] == "Cannot query field 'picture' on type 'Query'."
    assert settings_of(hospital).is_introspection_enabled
    assert not settings_of(hospital, api_sign_in="elsewhere").is_introspection_enabled
    assert settings_of(hospital, api_sign_in="elsewhere", api_introspection=True).is_introspection_enabled


def test_an_image_without_a_direction_is_like_none(tmp_path):
    blank = StudyOf(patient="p1", study="s1", images={"1.1": ("PA", [0.0, 0.0])}, sections={})
    fill(tmp_path, [blank])
    ask = asking(local_client(create_app(settings_of(tmp_path))))
    assert code_of(ask('{ similarImages(imageId: "1.1") { totalCount } }')) == "BAD_USER_INPUT"


@pytest.mark.parametrize("error", [StorageError, NoSuchRelease])
def test_an_index_that_fails_is_unavailable_and_not_empty(hospital, error):
    answer = asking_over(hospital, error(f"cannot read {PERSON}"))("{ searchReports { totalCount } }")
    assert (answer["data"], code_of(answer)) == (None, "UNAVAILABLE")
    assert PERSON not in str(answer)


@pytest.mark.parametrize("error", [RuntimeError(PERSON), KeyError(PERSON), OSError(PERSON), RecursionError(PERSON)])
def test_anything_else_is_masked_and_logged_by_its_type_alone(hospital, caplog, error):
    with caplog.at_level(logging.DEBUG):
        answer = asking_over(hospital, error)('{ searchReports(query: "Jane Doe") { totalCount } }')
    assert (answer["data"], code_of(answer)) == (None, "INTERNAL")
    assert PERSON not in str(answer)
    assert PERSON not in caplog.text
    assert f"a query failed at searchReports: {type(error).__name__}" in caplog.messages


def test_readiness_says_when_the_index_cannot_be_read(hospital, caplog):
    client = local_client(create_app(settings_of(hospital), failing_with(hospital, StorageError(PERSON))))
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (
        503,
        {"status": "unavailable", "index": "unavailable", "warehouse": "ok", "decoding": "unknown"},
    )
    assert PERSON not in caplog.text


def test_an_unforeseen_failure_outside_graphql_is_masked(hospital, caplog):
    with caplog.at_level(logging.DEBUG):
        client = local_client(create_app(settings_of(hospital), failing_with(hospital, RuntimeError(PERSON))))
        response = client.get("/readyz")
    assert (response.status_code, response.json()) == (500, {"error": "internal"})
    assert response.headers["x-content-type-options"] == "nosniff"
    assert PERSON not in caplog.text
    assert "GET /readyz failed: RuntimeError" in caplog.messages


def test_the_log_holds_no_query_text_and_no_address(ask, client, caplog):
    with caplog.at_level(logging.DEBUG):
        ask('{ searchReports(query: "Jane Doe") { totalCount } }')
        client.get("/graphql", params={"query": '{ searchReports(query: "Jane Doe") { totalCount } }'})
        client.get("/thumbnails/p1/s1/1.1.png?name=Jane Doe")
        client.get("/Jane Doe")
    ours = [JsonLines().format(r) for r in caplog.records if r.name.startswith("medsearch")]
    assert len(ours) == 4
    assert "Jane" not in "".join(ours)
    assert "p1" not in "".join(ours)
