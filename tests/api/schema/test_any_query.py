"""Queries that nobody thought of, made from the schema: none of them is a fault of the service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from graphql import build_schema as parsed
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes

from medsearch_api.app import create_app
from medsearch_api.http.error_codes import Code
from medsearch_api.schema.export import schema_text
from tests.support.api_client import settings_of
from tests.support.serving import serving

SCHEMA = parsed(schema_text())
assert SCHEMA.query_type
QUERIES = sorted(SCHEMA.query_type.fields)
OF_THE_CLIENT = {code.value for code in (Code.BAD_USER_INPUT, Code.LIMIT_EXCEEDED, Code.STALE_CURSOR, Code.NOT_FOUND)}

NEEDS_A_FILE = {"embedding"}
"""Queries that no JSON request can ask."""

schemathesis.graphql.scalar("Upload", st.text().map(nodes.String))

TEXT = r'(?:"""(?:.|\n)*?"""|"(?:[^"\\]|\\.)*")'
SENSIBLE = {
    rf"\bafter: {TEXT}": "after: null",
    r"\bvector: (null|\[[^\]]*\])": "vector: null",
    rf"\bupload: {TEXT}": "upload: null",
    r"\bsimilarImages(?!\()": "similarImages(imageId: null)",
    r"\b(similarImages|hybridSearch)\((?![^{]*imageId)": r"\1(imageId: null, ",
    rf"\b(id|imageId): (null|{TEXT})": r'\1: "1.1"',
    rf"\b(reportId|likeReport): {TEXT}": r'\1: "s1"',
    rf"\bpatient: {TEXT}": 'patient: "p1"',
    rf"\bstudy: {TEXT}": 'study: "s1"',
    r"\b(first|k|size): -?\d+": r"\1: 3",
}
"""Arguments that random text hardly ever hits, and what they become so that a query goes through to the index."""


def sensible(case: schemathesis.Case) -> schemathesis.Case:
    """The same query for what there is in the hospital."""
    for pattern, instead in SENSIBLE.items():
        assert isinstance(case.body, str)
        case.body = re.sub(pattern, instead, case.body)
    return case


@pytest.fixture(scope="module")
def service(hospital) -> Iterator[Any]:
    """The service as it tells of itself by introspection."""
    with serving(create_app(settings_of(hospital))) as address:
        yield schemathesis.graphql.from_url(f"{address}/graphql")


@pytest.mark.parametrize("query", QUERIES)
def test_no_query_is_a_fault_of_the_service(service, query):
    answered = []
    queries = service["Query"][query].as_strategy()

    @settings(
        max_examples=15,  # so many that one is answered
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(queries, queries.map(sensible)))
    def ask(case: schemathesis.Case) -> None:
        response = case.call()
        answer = response.json()
        codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
        assert response.status_code == 200, case.body
        assert codes <= OF_THE_CLIENT, (case.body, answer["errors"])
        assert codes or answer["data"] is not None
        answered.append(not codes)

    ask()
    assert any(answered) or query in NEEDS_A_FILE, "not one query was answered"
