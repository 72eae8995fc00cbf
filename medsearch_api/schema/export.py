"""The schemas as text: `python -m medsearch_api.schema.export` rewrites `schema.graphql` and `appsync.graphql`.

A test compares them. `schema.published.graphql` is the schema that clients were last promised. It is changed by hand, at a
release alone.
"""

from __future__ import annotations

from pathlib import Path

from medsearch_api.schema.build import build_appsync_schema, build_schema

FOLDER = Path(__file__).parents[1]
EXPORTED = FOLDER / "schema.graphql"
EXPORTED_APPSYNC = FOLDER / "appsync.graphql"
PUBLISHED = FOLDER / "schema.published.graphql"


def schema_text() -> str:
    """The schema in GraphQL's schema definition language."""
    return build_schema().as_str() + "\n"


def appsync_text() -> str:
    """The AppSync API's schema in GraphQL's schema definition language."""
    return build_appsync_schema().as_str() + "\n"


def main() -> None:
    """Rewrites the exported files."""
    EXPORTED.write_text(schema_text(), encoding="utf-8")
    EXPORTED_APPSYNC.write_text(appsync_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
