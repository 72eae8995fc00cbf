"""What a client is told when something goes wrong, and what is not told."""

from __future__ import annotations

import logging

import pytest
from api_asking import asking, code_of, local_client, settings_of
from api_world import StudyOf, fill

from medsearch_api.app import create_app
from medsearch_api.context import Backends, open_backends
from medsearch_api.logs import JsonLines
from medsearch_core.errors import NoSuchRelease, StorageError

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
        '{ similarImages(imageId: "1.1", k: 0) { rank } }',
        '{ similarImages(imageId: "1.1", k: 501) { rank } }',
        "{ similarImages { rank } }",
        '{ similarImages(imageId: "1.1", vector: [1]) { rank } }',
        "{ similarImages(vector: []) { rank } }",
        "{ similarImages(vector: [0, 0, 0, 0]) { rank } }",
        "{ similarImages(vector: [1, 2]) { rank } }",
        "{ similarImages(vector: [1, 0, 0, 0], excludeSamePatient: true) { rank } }",
        "{ searchReports(limit: 201) { total } }",
        "{ searchReports(limit: -1) { total } }",
        "{ searchReports(offset: -1) { total } }",
        "{ searchReports(offset: 9981, limit: 20) { total } }",
        '{ similarImages(imageId: "1.1", offset: -1) { rank } }',
        '{ similarImages(imageId: "1.1", k: 500, offset: 9501) { rank } }',
        '{ searchReports(filters: {fromDate: "2019-02-30"}) { total } }',
        '{ searchReports(filters: {present: [" "]}) { total } }',
        "{ facets(field: PRESENT_CODES, size: 0) { value } }",
        '{ study(patient: "..", study: "s1") { study } }',
        "{ nothing }",
        "{ image }",
        "{",
        'query { image(id: "1.1") { ...absent } }',
    ],
)
def test_a_clients_mistake_is_called_one(ask, query):
    assert {e["extensions"]["code"] for e in ask(query)["errors"]} == {"BAD_USER_INPUT"}


def test_words_and_filters_have_a_longest_length(ask):
    assert code_of(ask("query ($q: String!) { searchReports(query: $q) { total } }", q="a" * 1001)) == "BAD_USER_INPUT"
    assert code_of(ask("query ($f: Filters) { searchReports(filters: $f) { total } }", f={"patients": ["p"] * 201})) == (
        "BAD_USER_INPUT"
    )


def test_likeness_to_an_image_that_is_not_indexed_is_not_found(ask):
    answer = ask('{ similarImages(imageId: "9.9") { rank } }')
    assert answer == {
        "data": None,
        "errors": [
            {
                "message": "the image is not in the index",
                "locations": [{"line": 1, "column": 3}],
                "path": ["similarImages"],
                "extensions": {"code": "NOT_FOUND"},
            }
        ],
    }


@pytest.mark.parametrize(
    "query",
    ["searchReports(offset: 9980, limit: 20) { total }", 'similarImages(imageId: "1.1", k: 500, offset: 9500) { rank }'],
)
def test_the_last_page_of_all_can_be_asked_for(ask, query):
    assert "errors" not in ask(f"{{ {query} }}")


def test_an_image_without_a_direction_is_like_none(tmp_path):
    blank = StudyOf(patient="p1", study="s1", images={"1.1": ("PA", [0.0, 0.0])}, sections={})
    fill(tmp_path, [blank])
    ask = asking(local_client(create_app(settings_of(tmp_path))))
    assert code_of(ask('{ similarImages(imageId: "1.1") { rank } }')) == "BAD_USER_INPUT"


@pytest.mark.parametrize("error", [StorageError, NoSuchRelease])
def test_an_index_that_fails_is_unavailable_and_not_empty(hospital, error):
    answer = asking_over(hospital, error(f"cannot read {PERSON}"))("{ searchReports { total } }")
    assert (answer["data"], code_of(answer)) == (None, "UNAVAILABLE")
    assert PERSON not in str(answer)


@pytest.mark.parametrize("error", [RuntimeError(PERSON), KeyError(PERSON), OSError(PERSON), RecursionError(PERSON)])
def test_anything_else_is_masked_and_logged_by_its_type_alone(hospital, caplog, error):
    with caplog.at_level(logging.DEBUG):
        answer = asking_over(hospital, error)('{ searchReports(query: "Jane Doe") { total } }')
    assert (answer["data"], code_of(answer)) == (None, "INTERNAL")
    assert PERSON not in str(answer)
    assert PERSON not in caplog.text
    assert f"a query failed at searchReports: {type(error).__name__}" in caplog.messages


def test_readiness_says_when_the_index_cannot_be_read(hospital, caplog):
    client = local_client(create_app(settings_of(hospital), failing_with(hospital, StorageError(PERSON))))
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (
        503,
        {"status": "unavailable", "index": "unavailable", "warehouse": "ok"},
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
        ask('{ searchReports(query: "Jane Doe") { total } }')
        client.get("/graphql", params={"query": '{ searchReports(query: "Jane Doe") { total } }'})
        client.get("/thumbnails/p1/s1/1.1.png?name=Jane Doe")
        client.get("/Jane Doe")
    ours = [JsonLines().format(r) for r in caplog.records if r.name.startswith("medsearch")]
    assert len(ours) == 4
    assert "Jane" not in "".join(ours)
    assert "p1" not in "".join(ours)
