"""How much one request may ask for."""

from __future__ import annotations

import time

import pytest
from api_asking import code_of
from graphql import get_introspection_query, parse

from medsearch_api.schema.limits import MAX_ALIASES, MAX_DEPTH, MAX_FIELDS, Cost, cost_of


def test_depth_has_a_limit(ask):
    assert "errors" not in ask('{ report(id: "s1") { images { report { images { report { images { id } } } } } } }')
    answer = ask('{ report(id: "s1") { images { report { images { report { images { report { id } } } } } } } }')
    assert code_of(answer) == "BAD_USER_INPUT"
    assert answer["errors"][0]["message"] == f"The query asks for more than {MAX_DEPTH} levels."


def test_depth_is_counted_through_fragments(ask):
    assert (
        code_of(
            ask(
                """{ report(id: "s1") { ...a } } fragment a on Report { images { report { ...b } } }
                fragment b on Report { images { report { ...c } } } fragment c on Report { images { report { id } } }"""
            )
        )
        == "BAD_USER_INPUT"
    )


def test_aliases_have_a_limit(ask):
    many = " ".join(f"a{n}: index {{ images }}" for n in range(MAX_ALIASES + 1))
    assert code_of(ask(f"{{ {many} }}")) == "BAD_USER_INPUT"


def test_tokens_have_a_limit(ask):
    assert code_of(ask("{ index { " + "images " * 2000 + "} }")) == "BAD_USER_INPUT"


def test_fields_have_a_limit(ask):
    assert code_of(ask("{ index { " + "images " * (MAX_FIELDS + 1) + "} }")) == "BAD_USER_INPUT"


def test_fragments_that_double_each_other_are_refused_at_once(ask):
    doubling = " ".join(f"fragment f{n} on Index {{ ...f{n + 1} ...f{n + 1} }}" for n in range(60))
    begun = time.perf_counter()
    answer = ask(f"{{ index {{ ...f0 }} }} {doubling} fragment f60 on Index {{ images }}")
    assert code_of(answer) == "BAD_USER_INPUT"
    assert time.perf_counter() - begun < 5


def test_a_fragment_within_itself_ends():
    assert cost_of(parse("{ a { ...f } } fragment f on A { b { ...f } }")) == Cost(depth=2, aliases=0, fields=2)


@pytest.mark.parametrize("levels", [30, 300])
def test_deep_nesting_is_a_clients_mistake(ask, levels):
    assert code_of(ask("{ a" * levels + " }" * levels)) == "BAD_USER_INPUT"


def test_the_schema_may_be_introspected(ask):
    assert ask(get_introspection_query())["data"]["__schema"]["queryType"]["name"] == "Query"


def test_a_request_body_has_a_limit(client):
    assert client.post("/graphql", json={"query": "{ index { images } }" + " " * (1 << 20)}).status_code == 413


def test_a_streamed_body_has_the_same_limit(client):
    pieces = (b" " * 65536 for _ in range(20))
    assert client.post("/graphql", content=pieces, headers={"content-type": "application/json"}).status_code == 413
