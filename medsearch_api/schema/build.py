"""Assembly of the schemas: queries, limits and error handling."""

from __future__ import annotations

from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions import MaxTokensLimiter
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, ExecutionResult

from medsearch_api.schema import errors
from medsearch_api.schema.appsync.query import AppSyncQuery
from medsearch_api.schema.cost import MAX_TOKENS, CostLimits
from medsearch_api.schema.counting import CountFields
from medsearch_api.schema.documents import CachedDocuments, DocumentCache
from medsearch_api.schema.queries import Query
from medsearch_api.schema.uploads import UPLOAD, Upload


class MaskingSchema(strawberry.Schema):
    """A schema that returns every error as a code and a sentence, wherever it was raised."""

    async def execute(self, *args: Any, **kwargs: Any) -> ExecutionResult:
        result = await super().execute(*args, **kwargs)
        if result.errors:
            result.errors = [errors.to_client_error(error) for error in result.errors]
        return result

    def process_errors(self, errors_found: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        for error in errors_found:
            errors.log(error)


def build_schema(introspection: bool = True) -> strawberry.Schema:
    """Build the service's schema.

    Args:
        introspection: whether clients may query the schema itself, and get suggestions for misspelled names.
    """
    config = StrawberryConfig(disable_field_suggestions=not introspection, scalar_map={Upload: UPLOAD})
    return MaskingSchema(query=Query, extensions=_extensions("medsearch", introspection), config=config)


def build_appsync_schema(introspection: bool = True) -> strawberry.Schema:
    """Build the schema of AWS's sample, for its clients. The code uses the sample's own names."""
    config = StrawberryConfig(auto_camel_case=False, disable_field_suggestions=not introspection)
    return MaskingSchema(query=AppSyncQuery, extensions=_extensions("appsync", introspection), config=config)


def _extensions(schema_name: str, introspection: bool) -> list[Any]:
    documents = DocumentCache()
    return [
        lambda: CountFields(schema_name),
        lambda: MaxTokensLimiter(MAX_TOKENS),
        lambda: CostLimits(introspection),
        lambda: CachedDocuments(documents),
    ]
