"""The schema, put together: queries, limits, and what is told of errors."""

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
from medsearch_api.schema.queries import Query
from medsearch_api.schema.uploads import UPLOAD, Upload


class MaskingSchema(strawberry.Schema):
    """A schema whose every error, raised wherever, leaves as a code and a sentence."""

    async def execute(self, *args: Any, **kwargs: Any) -> ExecutionResult:
        result = await super().execute(*args, **kwargs)
        if result.errors:
            result.errors = [errors.to_client_error(error) for error in result.errors]
        return result

    def process_errors(self, errors_found: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        for error in errors_found:
            errors.log(error)


def build_schema(introspection: bool = True) -> strawberry.Schema:
    """The service's schema.

    Args:
        introspection: whether clients may ask for the schema itself, and are told names like the one they misspelled.
    """
    config = StrawberryConfig(disable_field_suggestions=not introspection, scalar_map={Upload: UPLOAD})
    return MaskingSchema(query=Query, extensions=_extensions("medsearch", introspection), config=config)


def build_appsync_schema(introspection: bool = True) -> strawberry.Schema:
    """The schema of AWS's sample, for its clients. Names stand in the code as they are there."""
    config = StrawberryConfig(auto_camel_case=False, disable_field_suggestions=not introspection)
    return MaskingSchema(query=AppSyncQuery, extensions=_extensions("appsync", introspection), config=config)


def _extensions(schema_name: str, introspection: bool) -> list[Any]:
    return [lambda: CountFields(schema_name), lambda: MaxTokensLimiter(MAX_TOKENS), lambda: CostLimits(introspection)]
