"""Code."""

from __future__ import annotations

import logging
from enum import Enum
from graphql import GraphQLError, GraphQLSyntaxError
from medsearch_api.uploads.embedder_client import EmbedderUnavailable, FileRefused, FileTooLarge, ModelMismatch
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


class Code(Enum):
    """`extensions.code` of an error."""

    BAD_USER_INPUT = "BAD_USER_INPUT"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    STALE_CURSOR = "STALE_CURSOR"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    MODEL_MISMATCH = "MODEL_MISMATCH"
    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"

