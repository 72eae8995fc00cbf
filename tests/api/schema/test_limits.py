"""How much one request may ask for."""

from __future__ import annotations

import re
from typing import Any

import pytest
from graphql import get_introspection_query, parse

from medsearch_api.schema.build import build_schema
from medsearch_api.schema.cost import (
    DEFAULT_LIST_LENGTH,
    MAX_ALIASES,
    MAX_DEPTH,
    MAX_DIRECTIVES,
    MAX_FIELDS,
    MAX_ROOTS,
    MAX_VALUES,
    measure_cost,
)
from tests.support.api_client import code_of

SCHEMA = build_schema()._schema


def cost(document: str, **variables: Any):
    return measure_cost(parse(document), SCHEMA, variables)


def refusal(answer: dict) -> tuple[str, int, str]:
    """Code, limit and what is limited, of an answer's only error."""
    told = re.search(r"more than (\d+) (\w+)", answer["errors"][0]["message"])
    assert told
    limit, what = told.groups()
    return code_of(answer), int(limit), what


def test_depth_has_a_limit(ask):
    thrice = "images(first: 1) { nodes { report { %s } } }"
    deep = thrice % (thrice % (thrice % "%s"))
    deepest = f'{{ report(id: "s1") {{ {deep % "images(first: 1) { totalCount }"} }} }}'
    deeper = f'{{ report(id: "s1") {{ {deep % "images(first: 1) { nodes { id } }"} }} }}'
    assert (cost(deepest).depth, cost(deeper).depth) == (MAX_DEPTH, MAX_DEPTH + 1)
    assert "errors" not in ask(deepest)
    assert refusal(ask(deeper)) == ("LIMIT_EXCEEDED", MAX_DEPTH, "levels")


def test_depth_is_counted_through_fragments(ask):
    parts = " ".join(
        f"fragment f{n} on Report {{ images(first: 1) {{ nodes {{ report {{ ...f{n + 1} }} }} }} }}" for n in range(4)
    )
    answer = ask(f'{{ report(id: "s1") {{ ...f0 }} }} {parts} fragment f4 on Report {{ id }}')
    assert refusal(answer) == ("LIMIT_EXCEEDED", MAX_DEPTH, "levels")


def test_aliases_have_a_limit(ask):
    many = " ".join(f"a{n}: index {{ images }}" for n in range(MAX_ALIASES + 1))
    assert refusal(ask(f"{{ {many} }}")) == ("LIMIT_EXCEEDED", MAX_ALIASES, "aliases")


def test_tokens_have_a_limit(ask):
    assert code_of(ask("{ index { " + "images " * 2000 + "} }")) == "LIMIT_EXCEEDED"


def test_fields_have_a_limit(ask):
    answer = ask("{ index { " + "images " * (MAX_FIELDS + 1) + "} }")
    assert refusal(answer) == ("LIMIT_EXCEEDED", MAX_FIELDS, "fields")


def test_root_fields_have_a_limit_also_when_they_are_the_same(ask):
    answer = ask("{ " + "index { images } " * (MAX_ROOTS + 1) + "}")
    assert refusal(answer) == ("LIMIT_EXCEEDED", MAX_ROOTS, "queries")


@pytest.mark.parametrize(
    "document",
    [
        "{ index { images " + "@include(if: true) " * (MAX_DIRECTIVES + 1) + "} }",
        "{ index { images " + "@nothing " * (MAX_DIRECTIVES + 1) + "} }",
        "query " + "@nothing " * (MAX_DIRECTIVES + 1) + "{ index { images } }",
        "{ " + "... on Query @include(if: true) { __typename } " * (MAX_DIRECTIVES + 1) + "}",
    ],
)
def test_directives_have_a_limit(ask, document):
    answer = ask(document)
    assert refusal(answer) == ("LIMIT_EXCEEDED", MAX_DIRECTIVES, "directives")


def test_lists_within_lists_multiply(ask):
    document = """query ($n: Int = 3) { searchReports(first: $n) { nodes { id images(first: 5) { nodes { id } } } } }"""
    images = 5 * (1 + (1 + 1))
    assert cost(document).values == 3 * (1 + 1 + 1 + images)
    assert cost(document, n=100).values == 100 * (1 + 1 + 1 + images)
    assert cost("{ searchReports { nodes { id } } }").values == 20 * 3
    assert cost('{ report(id: "s1") { entities { text } } }').values == 1 + DEFAULT_LIST_LENGTH * 2
    assert cost('{ report(id: "s1") { matches(query: "a") { begin end } } }').values == 1 + DEFAULT_LIST_LENGTH * 3
    bomb = """{ searchReports(first: 200) { nodes { images(first: 200) { nodes { id report { text } } } } } }"""
    assert refusal(ask(bomb)) == ("LIMIT_EXCEEDED", MAX_VALUES, "values")


def test_k_says_how_far_pages_go_and_not_how_long_one_is():
    assert cost('{ similarImages(imageId: "1.1", k: 500) { nodes { id } } }').values == 20 * 3
    assert cost('{ similarImages(imageId: "1.1", k: 1, first: 200) { nodes { id } } }').values == 200 * 3


@pytest.mark.parametrize("first", [200, 200.0, 2_000_000_000, 1e300, "200", None, [200], -1, 10**400])
def test_lists_multiply_by_variables_of_whatever_kind(ask, first):
    bomb = "query ($n: Int) { searchReports(first: 200) { nodes { images(first: $n) { nodes { id report { text } } } } } }"
    assert refusal(ask(bomb, n=first)) == ("LIMIT_EXCEEDED", MAX_VALUES, "values")


@pytest.mark.parametrize("raw", ["NaN", "Infinity", "9" * 4000, r'"\ud800"'])
def test_numbers_that_are_none_are_a_clients_mistake(client, raw):
    query = "query ($n: Int!) { searchReports(first: $n) { totalCount } }"
    body = f'{{"query": "{query}", "variables": {{"n": {raw}}}}}'
    answer = client.post("/graphql", content=body, headers={"content-type": "application/json"}).json()
    assert code_of(answer) == "BAD_USER_INPUT"


@pytest.mark.parametrize("document", ["(first: %s)", "(filters: {minAgeYears: %s})"])
def test_numbers_have_a_longest_length(ask, document):
    assert code_of(ask(f"{{ searchReports{document % ('9' * 5000)} {{ totalCount }} }}")) == "LIMIT_EXCEEDED"


def test_a_cost_bomb_in_fragments_is_refused(ask):
    bomb = """query { searchReports(first: 200) { ...a } } fragment a on ReportHitConnection { edges { ... on ReportHitEdge {
        node { ...b } } } } fragment b on Report { images(first: 200) { nodes { id patient } } }"""
    assert refusal(ask(bomb)) == ("LIMIT_EXCEEDED", MAX_VALUES, "values")


def test_a_page_of_two_hundred_whole_reports_is_no_bomb(ask):
    whole = """{ searchReports(first: 200) { totalCount edges { cursor score node { id patient study text findings impression
        entities { text assertion } images(first: 10) { nodes { id thumbnailUrl } } } } } }"""
    assert "errors" not in ask(whole)


def test_fragments_that_double_each_other_are_refused_before_they_are_written_out(ask):
    doubling = " ".join(f"fragment f{n} on Index {{ ...f{n + 1} ...f{n + 1} }}" for n in range(60))
    answer = ask(f"{{ index {{ ...f0 }} }} {doubling} fragment f60 on Index {{ images }}")
    assert code_of(answer) == "LIMIT_EXCEEDED"


def test_fragments_within_themselves_end(ask):
    within = """{ report(id: "s1") { ...a } } fragment a on Report { images { nodes { report { ...b } } } }
        fragment b on Report { images { nodes { report { ...a } } } }"""
    counted = cost(within)
    assert (counted.depth, counted.fields) == (1 + 3 + 3, 1 + 3 + 3)
    assert {e["extensions"]["code"] for e in ask(within)["errors"]} == {"BAD_USER_INPUT"}


@pytest.mark.parametrize("levels", [30, 300])
def test_deep_nesting_is_refused(ask, levels):
    assert code_of(ask("{ a" * levels + " }" * levels)) == "LIMIT_EXCEEDED"


def test_the_schema_may_be_introspected_but_not_in_circles(ask):
    assert ask(get_introspection_query())["data"]["__schema"]["queryType"]["name"] == "Query"
    circle = "fields { type { " * 4 + "name" + " } }" * 4
    assert {e["extensions"]["code"] for e in ask(f"{{ __schema {{ types {{ {circle} }} }} }}")["errors"]} == {"BAD_USER_INPUT"}


def test_a_request_body_has_a_limit(client):
    assert client.post("/graphql", json={"query": "{ index { images } }" + " " * (1 << 20)}).status_code == 413


def test_a_streamed_body_has_the_same_limit(client):
    pieces = (b" " * 65536 for _ in range(20))
    assert client.post("/graphql", content=pieces, headers={"content-type": "application/json"}).status_code == 413
