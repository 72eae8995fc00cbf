"""How much one request of an AppSync client may ask for: every list as long as its own argument lets it be."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import parse

from medsearch_api.schema.appsync.query import BUCKETS
from medsearch_api.schema.build import build_appsync_schema
from medsearch_api.schema.cost import DEFAULT_LIST_LENGTH, MAX_ALIASES, MAX_VALUES, measure_cost
from tests.support.api_client import code_of

SCHEMA = build_appsync_schema()._schema
IMAGE = "{ ImageId ReportId Bucket Key BodyPartExamined Modality ViewPosition }"


def values(document: str, **variables: Any) -> int:
    return measure_cost(parse(document), SCHEMA, variables).values


@pytest.mark.parametrize(
    ("field", "objects"),
    [
        ('getSimilarImages(ImageId: "1.1", k: 500) { Key }', 500),
        ('getSimilarImages(ImageId: "1.1", k: 501) { Key }', 500),
        ('getSimilarImages(ImageId: "1.1") { Key }', BUCKETS),
        ('getSimilarImages(ImageId: "1.1", k: null) { Key }', BUCKETS),
        ("listReports(size: 1000) { ReportId }", 1000),
        ("listReports(size: 0) { ReportId }", 1),
        ("listReports(from: 9000) { ReportId }", BUCKETS),
        ("getAllPositiveICD10CMs(size: 200) { key }", 200),
        ("getAllPositiveICD10CMs { key }", BUCKETS),
        ("getAllPositiveICD10CMs(size: null) { key }", BUCKETS),
    ],
)
def test_a_list_counts_as_long_as_its_argument_lets_it_be(field, objects):
    assert values(f"{{ {field} }}") == objects * 2


@pytest.mark.parametrize(("given", "objects"), [(500, 500), (None, BUCKETS), ("many", 500), (-1, 500), (1e9, 500)])
def test_a_variable_counts_as_it_is_given(given, objects):
    query = "query ($k: Int) { getSimilarImages(k: $k) { Key } }"
    assert values(query, k=given) == objects * 2
    assert values(query) == BUCKETS * 2
    assert values(query.replace("Int)", "Int = 300)")) == 300 * 2


def test_what_is_given_when_nobody_says_how_much_is_counted_as_that():
    assert BUCKETS == DEFAULT_LIST_LENGTH


def test_the_longest_list_of_images_is_answered_and_many_of_them_are_refused(sample, refused):
    longest = f'getSimilarImages(ImageId: "1.1", k: 500) {IMAGE}'
    assert len(sample(f"{{ {longest} }}")) == 5
    many = " ".join(f"a{n}: {longest}" for n in range(MAX_ALIASES))
    answer = refused(f"{{ {many} }}")
    assert code_of(answer) == "LIMIT_EXCEEDED"
    assert f"more than {MAX_VALUES} values" in answer["errors"][0]["message"]
    assert "data" not in answer or answer["data"] is None


def test_a_page_of_reports_with_their_images_has_a_limit_and_the_samples_is_below_it(sample, refused):
    page = f"listReports(from: 0, size: %d) {{ ReportId Findings Impression Images {IMAGE} }}"
    assert len(sample(f"{{ {page % 100} }}")) == 3
    assert len(sample(f"{{ {page % 500} }}")) == 3
    assert code_of(refused(f"{{ {page % 1000} }}")) == "LIMIT_EXCEEDED"
