"""Error codes: the values of `extensions.code` in GraphQL errors."""

from __future__ import annotations

from enum import Enum


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
