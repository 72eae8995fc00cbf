"""The schemas as text: `make docs` rewrites `schema.graphql` and `appsync.graphql`, and a test checks that they are current.

`schema.published.graphql` is the last schema promised to clients. It is updated by hand, only at a release.
"""

from __future__ import annotations

from pathlib import Path

from medsearch_api.schema.build import build_appsync_schema, build_schema

FOLDER = Path(__file__).parent
EXPORTED = FOLDER / "schema.graphql"
EXPORTED_APPSYNC = FOLDER / "appsync.graphql"
PUBLISHED = FOLDER / "schema.published.graphql"


def schema_text() -> str:
    """Return the schema in GraphQL's schema definition language."""
    return build_schema().as_str() + "\n"


def appsync_text() -> str:
    """Return the AppSync API's schema in GraphQL's schema definition language."""
    return build_appsync_schema().as_str() + "\n"


SCHEMAS = {EXPORTED: schema_text, EXPORTED_APPSYNC: appsync_text}
"""Every exported file, with the function that creates its text."""
