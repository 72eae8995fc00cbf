"""Strict parsing of query parameters: unknown, repeated and malformed ones are rejected, never ignored."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from starlette.datastructures import QueryParams

from medsearch_core.errors import InvalidQuery

_NUMBER = re.compile(r"[+-]?(\d{1,12}(\.\d{0,12})?|\.\d{1,12})([eE][+-]?\d{1,3})?")
_COUNT = re.compile(r"\d{1,9}")


def parse_parameters(query: QueryParams, allowed: Collection[str]) -> Mapping[str, str]:
    """Return the single value of each parameter.

    Raises:
        InvalidQuery: a parameter is unknown or repeated. The message does not quote it, because it may contain data.
    """
    names = [name for name, _ in query.multi_items()]
    if not set(names) <= set(allowed):
        raise InvalidQuery(f"only these parameters are supported: {', '.join(allowed)}")
    if len(set(names)) < len(names):
        raise InvalidQuery("a parameter is repeated; specify each parameter once")
    return dict(query.items())


def parse_number(name: str, text: str) -> float:
    """Parse a decimal number.

    Raises:
        InvalidQuery: it is not one.
    """
    if not _NUMBER.fullmatch(text):
        raise InvalidQuery(f"{name} must be a number")
    return float(text)


def parse_count(name: str, text: str, min_value: int, max_value: int) -> int:
    """Parse an integer from `min_value` to `max_value`.

    Raises:
        InvalidQuery: it is not one.
    """
    if not _COUNT.fullmatch(text) or not min_value <= int(text) <= max_value:
        raise InvalidQuery(f"{name} must be an integer from {min_value} to {max_value}")
    return int(text)


def parse_flag(name: str, text: str) -> bool:
    """Parse `true` or `false`.

    Raises:
        InvalidQuery: it is neither.
    """
    if text not in ("true", "false"):
        raise InvalidQuery(f"{name} must be true or false")
    return text == "true"
