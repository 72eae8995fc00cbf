"""The schema, put together: queries, limits, and what is told of errors."""

from __future__ import annotations

import asyncio
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions import MaxTokensLimiter
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, ExecutionResult

from medsearch_api.schema import errors
from medsearch_api.schema.cost import MAX_TOKENS, CostLimits
from medsearch_api.schema.queries import Query


class MaskingSchema(strawberry.Schema):
    """A schema whose every error, raised wherever, leaves as a code and a sentence, and whose every answer ends in time."""

    def __init__(self, *args: Any, timeout_seconds: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timeout_seconds = timeout_seconds

    async def execute(self, *args: Any, **kwargs: Any) -> ExecutionResult:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                result = await super().execute(*args, **kwargs)
        except TimeoutError:
            error = errors.refusal(errors.Code.TIMEOUT, "The answer took too long. Ask for less, or try again.")
            errors.log(error)
            return ExecutionResult(data=None, errors=[error])
        if result.errors:
            result.errors = [errors.told(error) for error in result.errors]
        return result

    def process_errors(self, errors_found: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        for error in errors_found:
            errors.log(error)


def build_schema(introspection: bool = True, timeout_seconds: float = 30.0) -> strawberry.Schema:
    """The service's schema.

    Args:
        introspection: whether clients may ask for the schema itself, and are told names like the one they misspelled.
        timeout_seconds: how long an answer may take. A read that was begun ends by itself.
    """
    extensions: list[Any] = [lambda: MaxTokensLimiter(MAX_TOKENS), lambda: CostLimits(introspection)]
    config = StrawberryConfig(disable_field_suggestions=not introspection)
    return MaskingSchema(query=Query, extensions=extensions, config=config, timeout_seconds=timeout_seconds)
