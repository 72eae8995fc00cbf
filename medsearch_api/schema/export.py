"""The schemas as text: `make docs` rewrites `schema.graphql` and `appsync.graphql`, and a test compares them.

`schema.published.graphql` is the schema that clients were last promised. It is changed by hand, at a
release alone.
"""

from __future__ import annotations

from pathlib import Path

from medsearch_api.schema.build import build_appsync_schema, build_schema

FOLDER = Path(__file__).parent
EXPORTED = FOLDER / "schema.graphql"
EXPORTED_APPSYNC = FOLDER / "appsync.graphql"
PUBLISHED = FOLDER / "schema.published.graphql"


def schema_text() -> str:
    """The schema in GraphQL's schema definition language."""
    return build_schema().as_str() + "\n"


def appsync_text() -> str:
    """The AppSync API's schema in GraphQL's schema definition language."""
    return build_appsync_schema().as_str() + "\n"


SCHEMAS = {EXPORTED: schema_text, EXPORTED_APPSYNC: appsync_text}
"""Every exported file, with what makes its text."""
