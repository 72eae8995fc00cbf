"""Documents that were parsed and validated before."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from graphql import get_introspection_query, parse
from strawberry import Schema

from medsearch_api.app import create_app
from medsearch_api.schema import documents
from medsearch_api.schema.build import build_appsync_schema, build_schema
from medsearch_api.schema.documents import DocumentCache
from tests.support.api_client import asking, code_of, local_client, settings_of

PAGES = """query Q($first: Int!) {
  searchReports(query: "effusion", first: $first) { edges { node { images(first: 200) { nodes { id } } } } }
}"""
FEW, MANY = {"first": 1}, {"first": 200}


@pytest.fixture
def validations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts of the documents that were validated, not taken from the cache."""
    texts: list[str] = []
    validate = documents.validate_document

    def noted(schema: Any, document: Any, rules: Any) -> Any:
        texts.append(document.loc.source.body)
        return validate(schema, document, rules)

    monkeypatch.setattr(documents, "validate_document", noted)
    return texts


@pytest.fixture
def fresh_ask(hospital):
    """Asks a service whose caches are empty."""
    with local_client(create_app(settings_of(hospital))) as client:
        yield asking(client)


def test_a_document_that_is_repeated_is_validated_once(fresh_ask, validations):
    text = "query Once { index { images } }"
    assert [fresh_ask(text) for _ in range(3)] == [{"data": {"index": {"images": 5}}}] * 3
    assert validations == [text]


@pytest.mark.parametrize("order", [(FEW, MANY, FEW, MANY), (MANY, FEW, MANY, FEW)])
def test_each_request_is_weighed_with_its_own_variables(fresh_ask, order):
    for variables in order:
        answer = fresh_ask(PAGES, **variables)
        if variables is MANY:
            assert code_of(answer) == "LIMIT_EXCEEDED"
            assert answer["data"] is None
        else:
            assert "errors" not in answer


@pytest.mark.parametrize("text", ["{ index { nothing } }", "{ index {", "query Q($unused: Int) { index { images } }"])
def test_a_refused_document_stays_refused(fresh_ask, validations, text):
    answers = [fresh_ask(text) for _ in range(3)]
    assert answers == [answers[0]] * 3
    assert code_of(answers[0]) == "BAD_USER_INPUT"
    assert len(validations) in (0, 3)  # one that cannot be parsed is never validated


def execute(schema: Schema, text: str) -> Any:
    return asyncio.run(schema.execute(text, context_value=None))


def test_schemas_and_introspection_settings_share_no_document():
    """What one accepts, another does not know or does not allow, whoever is asked first."""
    text = get_introspection_query()
    open_to_all, closed = build_schema(introspection=True), build_schema(introspection=False)
    for _ in range(2):
        assert execute(open_to_all, text).errors is None
        assert [e.extensions["code"] for e in execute(closed, text).errors] == ["FORBIDDEN"]
    names = "{ __typename searchImages: index { images } }"
    for _ in range(2):
        assert [e.extensions["code"] for e in execute(build_appsync_schema(), names).errors] == ["BAD_USER_INPUT"]


def test_the_cache_is_bounded_by_the_length_of_its_texts():
    cache = DocumentCache(max_characters=80)
    texts = [f"{{ a{n} }}" for n in range(10, 30)]
    for text in texts:
        cache.add(text, parse(text))
        cache.set_valid(text)
    assert cache.characters == 77
    assert [text for text in texts if cache.find(text)] == [text for text in texts if cache.is_valid(text)] == texts[-11:]
    cache.add("{ " + "long " * 10 + "}", parse("{ long }"))
    assert cache.characters == 77


def test_only_a_cached_document_is_known_to_be_valid():
    cache = DocumentCache(max_characters=80)
    cache.set_valid("{ a }")
    cache.add("{ a }", parse("{ a }"))
    assert not cache.is_valid("{ a }")
