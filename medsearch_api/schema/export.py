"""The schema as text: `python -m medsearch_api.schema.export` rewrites `schema.graphql`, which a test compares.

`schema.published.graphql` is the schema that clients were last promised. It is changed by hand, at a release alone.
"""

from __future__ import annotations

from pathlib import Path

from medsearch_api.schema.build import build_schema

EXPORTED = Path(__file__).parents[1] / "schema.graphql"
PUBLISHED = Path(__file__).parents[1] / "schema.published.graphql"


def schema_text() -> str:
    """The schema in GraphQL's schema definition language."""
    return build_schema().as_str() + "\n"


def main() -> None:
    """Rewrites the exported file."""
    EXPORTED.write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
