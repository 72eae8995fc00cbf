"""The schema as a promise: exported, described to the last argument, and never broken."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from graphql import GraphQLSchema, find_breaking_changes, is_specified_scalar_type, parse, validate
from graphql import build_schema as parsed

from medsearch_api.schema.enums import FacetField
from medsearch_api.schema.export import EXPORTED, PUBLISHED, schema_text
from medsearch_core.search.query import FACET_FIELDS
from tests.support.paths import PROJECT_ROOT


def test_the_exported_schema_is_the_schema():
    assert EXPORTED.read_text(encoding="utf-8") == schema_text(), "run: make docs"


def broken(published: str, now: str) -> list[str]:
    """What a client of the published schema would find broken."""
    return [change.description for change in find_breaking_changes(parsed(published), parsed(now))]


def test_nothing_that_was_published_is_broken():
    assert broken(PUBLISHED.read_text(encoding="utf-8"), EXPORTED.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("published", "now"),
    [
        ("dimensions: Int!", "size: Int!"),
        ("  PATIENT_SEX\n", "  SEX_OF_PATIENT\n"),
        ("report(\n", "reportOf(\n"),
        ("isRepresentative: Boolean!", "isRepresentative: Boolean"),
        ("sourceKey: String", "sourceKey: ID"),
    ],
)
def test_what_would_break_clients_is_found(published, now):
    text = PUBLISHED.read_text(encoding="utf-8")
    assert published in text
    assert broken(text, text.replace(published, now, 1))


def members(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Every type, field, argument, input field and enum value with its description."""
    for name, kind in schema.type_map.items():
        if name.startswith("__") or is_specified_scalar_type(kind):
            continue
        yield name, kind.description
        for part, it in (getattr(kind, "fields", None) or getattr(kind, "values", None) or {}).items():
            yield f"{name}.{part}", it.description
            for argument, its in getattr(it, "args", {}).items():
                yield f"{name}.{part}({argument})", its.description


def test_everything_in_the_schema_is_described():
    described = dict(members(parsed(schema_text())))
    for example in (
        "Query",
        "Query.similarImages(k)",
        "Report.images(first)",
        "PageInfo.endCursor",
        "Filters.tags",
        "Sex.MALE",
    ):
        assert example in described
    assert [member for member, description in described.items() if not (description or "").strip()] == []


def test_every_facet_of_the_index_can_be_asked_for():
    assert {field.value for field in FacetField} == FACET_FIELDS


def test_the_examples_of_the_documentation_are_valid():
    text = (PROJECT_ROOT / "docs" / "graphql.md").read_text(encoding="utf-8")
    examples = re.findall(r"```graphql\n(.*?)```", text, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        assert validate(parsed(schema_text()), parse(example)) == []
