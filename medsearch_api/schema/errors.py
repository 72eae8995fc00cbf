"""GraphQL errors for clients: a code and a sentence, never a stack trace and never patient data.

Belongs here: the mapping of exceptions to codes. Only an exception's type is logged, because its message may contain data.
"""

from __future__ import annotations

import logging

from graphql import GraphQLError, GraphQLSyntaxError

from medsearch_api.http.error_codes import Code
from medsearch_api.schema.permissions import Forbidden
from medsearch_api.uploads.embedder_client import EmbedderUnavailable, FileTooLarge, ModelMismatch, UnusableFile
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


class LimitExceeded(InvalidQuery):
    """The request exceeds a limit."""


class StaleCursor(InvalidQuery):
    """The cursor belongs to an index release that is no longer current."""


_UNAVAILABLE = "The store or the index is unavailable. Try again."
_INTERNAL = "Internal error. See the service's log for details."
_TOO_MANY_TOKENS = "Parsing aborted"
"""How graphql-core's message for a document that is too long starts, and no other message."""

_CLIENT_ERRORS: tuple[tuple[type[MedsearchError], Code, str | None], ...] = (
    (LimitExceeded, Code.LIMIT_EXCEEDED, None),
    (StaleCursor, Code.STALE_CURSOR, None),
    (InvalidQuery, Code.BAD_USER_INPUT, None),
    (IndexMismatch, Code.BAD_USER_INPUT, None),
    (Forbidden, Code.FORBIDDEN, None),
    (NotIndexed, Code.NOT_FOUND, None),
    (ObjectNotFound, Code.NOT_FOUND, "No such object. Check its ID."),
    (FileTooLarge, Code.LIMIT_EXCEEDED, None),
    (UnusableFile, Code.BAD_USER_INPUT, None),
    (ModelMismatch, Code.MODEL_MISMATCH, None),
    (EmbedderUnavailable, Code.UNAVAILABLE, None),
    (StorageError, Code.UNAVAILABLE, _UNAVAILABLE),
    (NoSuchRelease, Code.UNAVAILABLE, _UNAVAILABLE),  # the release was superseded and deleted during the query
)
"""Exception, code and message; None stands for the exception's own message, which the core keeps free of data."""

_SERVER_FAULTS = frozenset({Code.MODEL_MISMATCH.value, Code.UNAVAILABLE.value, Code.INTERNAL.value, Code.TIMEOUT.value})
"""Codes of errors that the client did not cause."""


def document_error(code: Code, message: str) -> GraphQLError:
    """Create an error about a whole document."""
    return GraphQLError(message, extensions={"code": code.value})


def to_client_error(error: GraphQLError) -> GraphQLError:
    """Convert an error to the one that the client sees. Errors in the document itself keep GraphQL's own message."""
    cause = find_cause(error)
    if cause is None:
        return _client_error(error, _code_of_document(error), error.message)
    if isinstance(cause, RecursionError) and error.path is None:
        return _client_error(
            error, Code.LIMIT_EXCEEDED, "The query is nested too deeply. Flatten it, or split it into several queries."
        )
    for kind, code, sentence in _CLIENT_ERRORS:
        if isinstance(cause, kind):
            return _client_error(error, code, sentence or str(cause))
    return _client_error(error, Code.INTERNAL, _INTERNAL)


def log(error: GraphQLError) -> None:
    """Log the type and field path of an error that the client did not cause."""
    cause = find_cause(error)
    code = (to_client_error(error).extensions or {}).get("code")
    if code not in _SERVER_FAULTS:
        return
    at = ".".join(part for part in error.path or () if isinstance(part, str))
    LOG.error("a query failed at %s: %s", at or "its start", type(cause).__name__ if cause else code)


def find_cause(error: GraphQLError) -> Exception | None:
    """Return the exception behind an error; None if GraphQL itself rejected the document or an argument."""
    cause: Exception | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def _code_of_document(error: GraphQLError) -> Code:
    code = str((error.extensions or {}).get("code"))
    if code in Code.__members__:
        return Code[code]
    is_too_long = isinstance(error, GraphQLSyntaxError) and _TOO_MANY_TOKENS in error.message
    return Code.LIMIT_EXCEEDED if is_too_long else Code.BAD_USER_INPUT


def _client_error(error: GraphQLError, code: Code, message: str) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions={"code": code.value},
    )
