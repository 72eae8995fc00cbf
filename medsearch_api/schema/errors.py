"""What a client is told when something went wrong: a code and a sentence, never a stack trace and never data.

Belongs here: which exception becomes which code. Logged is the exception's type alone, because its message may hold data.
"""

from __future__ import annotations

import logging
from enum import Enum

from graphql import GraphQLError

from medsearch_api.schema.permissions import Forbidden
from medsearch_core.errors import (
    IndexMismatch,
    InvalidQuery,
    MedsearchError,
    NoSuchRelease,
    NotIndexed,
    ObjectNotFound,
    StorageError,
)

LOG = logging.getLogger("medsearch.errors")


class Code(Enum):
    """`extensions.code` of an error."""

    BAD_USER_INPUT = "BAD_USER_INPUT"
    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


_UNAVAILABLE = "The store or the index cannot be read now. Try again."
_INTERNAL = "Something went wrong here. It was logged."

_TOLD: tuple[tuple[type[MedsearchError], Code, str | None], ...] = (
    (InvalidQuery, Code.BAD_USER_INPUT, None),
    (IndexMismatch, Code.BAD_USER_INPUT, None),
    (Forbidden, Code.FORBIDDEN, None),
    (NotIndexed, Code.NOT_FOUND, None),
    (ObjectNotFound, Code.NOT_FOUND, "No such object."),
    (StorageError, Code.UNAVAILABLE, _UNAVAILABLE),
    (NoSuchRelease, Code.UNAVAILABLE, _UNAVAILABLE),  # the one it was read from was superseded and deleted meanwhile
)
"""Exception, code, and the sentence told; None tells the exception's own, which the core keeps free of data."""


def told(error: GraphQLError) -> GraphQLError:
    """The error as the client sees it. A fault of the client's document keeps GraphQL's own message."""
    cause = cause_of(error)
    if cause is None:
        return _with(error, Code.BAD_USER_INPUT, error.message)
    if isinstance(cause, RecursionError) and error.path is None:
        return _with(error, Code.BAD_USER_INPUT, "The query is nested too deep.")
    for kind, code, sentence in _TOLD:
        if isinstance(cause, kind):
            return _with(error, code, sentence or str(cause))
    return _with(error, Code.INTERNAL, _INTERNAL)


def log(error: GraphQLError) -> None:
    """Notes the type of a fault that is ours, and the fields it stands at."""
    cause = cause_of(error)
    code = (told(error).extensions or {}).get("code")
    if cause is None or code in (Code.BAD_USER_INPUT.value, Code.NOT_FOUND.value, Code.FORBIDDEN.value):
        return
    at = ".".join(part for part in error.path or () if isinstance(part, str))
    LOG.error("a query failed at %s: %s", at or "its start", type(cause).__name__)


def cause_of(error: GraphQLError) -> Exception | None:
    """The exception behind an error; None where GraphQL itself refused the document or an argument."""
    cause: Exception | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def _with(error: GraphQLError, code: Code, message: str) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions={"code": code.value},
    )
