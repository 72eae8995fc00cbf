"""What a client is told when something went wrong: a code and a sentence, never a stack trace and never data.

Belongs here: which exception becomes which code. Logged is the exception's type alone, because its message may hold data.
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
    """More is asked for than one request may have."""


class StaleCursor(InvalidQuery):
    """A cursor of a release that readers are no longer sent to."""


_UNAVAILABLE = "The store or the index cannot be read now. Try again."
_INTERNAL = "Something went wrong here. It was logged."
_TOO_MANY_TOKENS = "Parsing aborted"
"""What graphql-core says of a document that is too long, and of nothing else."""

_CLIENT_ERRORS: tuple[tuple[type[MedsearchError], Code, str | None], ...] = (
    (LimitExceeded, Code.LIMIT_EXCEEDED, None),
    (StaleCursor, Code.STALE_CURSOR, None),
    (InvalidQuery, Code.BAD_USER_INPUT, None),
    (IndexMismatch, Code.BAD_USER_INPUT, None),
    (Forbidden, Code.FORBIDDEN, None),
    (NotIndexed, Code.NOT_FOUND, None),
    (ObjectNotFound, Code.NOT_FOUND, "No such object."),
    (FileTooLarge, Code.LIMIT_EXCEEDED, None),
    (UnusableFile, Code.BAD_USER_INPUT, None),
    (ModelMismatch, Code.MODEL_MISMATCH, None),
    (EmbedderUnavailable, Code.UNAVAILABLE, None),
    (StorageError, Code.UNAVAILABLE, _UNAVAILABLE),
    (NoSuchRelease, Code.UNAVAILABLE, _UNAVAILABLE),  # the one it was read from was superseded and deleted meanwhile
)
"""Exception, code, and the sentence told; None tells the exception's own, which the core keeps free of data."""

_SERVER_FAULTS = frozenset({Code.MODEL_MISMATCH.value, Code.UNAVAILABLE.value, Code.INTERNAL.value, Code.TIMEOUT.value})
"""The codes of faults that are not the client's."""


def document_error(code: Code, message: str) -> GraphQLError:
    """An error of a whole document, with its code."""
    return GraphQLError(message, extensions={"code": code.value})


def to_client_error(error: GraphQLError) -> GraphQLError:
    """The error as the client sees it. A fault of the client's document keeps GraphQL's own message."""
    cause = find_cause(error)
    if cause is None:
        return _client_error(error, _code_of_document(error), error.message)
    if isinstance(cause, RecursionError) and error.path is None:
        return _client_error(error, Code.LIMIT_EXCEEDED, "The query is nested too deep.")
    for kind, code, sentence in _CLIENT_ERRORS:
        if isinstance(cause, kind):
            return _client_error(error, code, sentence or str(cause))
    return _client_error(error, Code.INTERNAL, _INTERNAL)


def log(error: GraphQLError) -> None:
    """Notes the type of a fault that is ours, and the fields it stands at."""
    cause = find_cause(error)
    code = (to_client_error(error).extensions or {}).get("code")
    if code not in _SERVER_FAULTS:
        return
    at = ".".join(part for part in error.path or () if isinstance(part, str))
    LOG.error("a query failed at %s: %s", at or "its start", type(cause).__name__ if cause else code)


def find_cause(error: GraphQLError) -> Exception | None:
    """The exception behind an error; None where GraphQL itself refused the document or an argument."""
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
