"""Parameters in addresses, read strictly: what is unknown, repeated or malformed is refused, never passed over."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from starlette.datastructures import QueryParams

from medsearch_core.errors import InvalidQuery

_NUMBER = re.compile(r"[+-]?(\d{1,12}(\.\d{0,12})?|\.\d{1,12})([eE][+-]?\d{1,3})?")
_COUNT = re.compile(r"\d{1,9}")


def once(query: QueryParams, known: Collection[str]) -> Mapping[str, str]:
    """Each parameter's only value.

    Raises:
        InvalidQuery: one is not known, or comes twice. It is not quoted: it may hold data.
    """
    names = [name for name, _ in query.multi_items()]
    if not set(names) <= set(known):
        raise InvalidQuery(f"only the parameters {', '.join(known)} are known here")
    if len(set(names)) < len(names):
        raise InvalidQuery("a parameter is given twice")
    return dict(query.items())


def number(name: str, text: str) -> float:
    """A decimal number.

    Raises:
        InvalidQuery: it is none.
    """
    if not _NUMBER.fullmatch(text):
        raise InvalidQuery(f"{name} must be a number")
    return float(text)


def count(name: str, text: str, least: int, most: int) -> int:
    """A whole number of `least` to `most`.

    Raises:
        InvalidQuery: it is none.
    """
    if not _COUNT.fullmatch(text) or not least <= int(text) <= most:
        raise InvalidQuery(f"{name} must be {least} to {most}")
    return int(text)


def flag(name: str, text: str) -> bool:
    """`true` or `false`.

    Raises:
        InvalidQuery: it is neither.
    """
    if text not in ("true", "false"):
        raise InvalidQuery(f"{name} must be true or false")
    return text == "true"
