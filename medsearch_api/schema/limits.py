"""Limits on single arguments. `cost` limits a document as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from medsearch_api.schema.errors import LimitExceeded
from medsearch_core.errors import InvalidQuery

MAX_FIRST = 200
"""Maximum number of edges per page."""

MAX_SIZE = 200
"""Maximum number of values per facet."""

MAX_QUERY_CHARACTERS = 1000
MAX_DIMENSIONS = 8192


def check_range(name: str, value: int, min_value: int, max_value: int) -> None:
    """
    Raises:
        LimitExceeded: the value is above `max_value`.
        InvalidQuery: the value is below `min_value`.
    """
    if not min_value <= value <= max_value:
        raise (LimitExceeded if value > max_value else InvalidQuery)(f"{name} must be from {min_value} to {max_value}")


def check_query(query: str) -> None:
    """
    Raises:
        LimitExceeded: the query is too long.
    """
    if len(query) > MAX_QUERY_CHARACTERS:
        raise LimitExceeded(f"query may have at most {MAX_QUERY_CHARACTERS} characters")


def check_vector(vector: Sequence[float]) -> Sequence[float]:
    """Return the vector unchanged.

    Raises:
        LimitExceeded: it is longer than any model's.
    """
    if len(vector) > MAX_DIMENSIONS:
        raise LimitExceeded(f"vector may have at most {MAX_DIMENSIONS} numbers")
    return vector
