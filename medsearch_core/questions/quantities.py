"""Sizes and ages that are asked for in numbers: "nodule > 6 mm", "mass of at least 3 cm", "women over 60".

Belongs here: which numbers of a question are a size or an age, and their range.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from medsearch_core.questions.question import FilterAsked, Sizes

_MORE = (
    r"(?:>=?|≥|over|above|beyond|at\s+least|(?:more|larger|bigger|greater|longer|older|wider)\s+than|exceeding|min(?:imum)?)"
)
_LESS = r"(?:<=?|≤|under|below|up\s+to|at\s+most|(?:less|smaller|shorter|younger)\s+than|max(?:imum)?)"
_NUMBER = r"\d{1,4}(?:[.,]\d{1,2})?"
_MORE_WORDS = ("more", "larger", "bigger", "greater", "above", "over", "older")
_LESS_WORDS = ("less", "smaller", "under", "below", "younger")
_OR_MORE = rf"(?:\s*(?:or|and)\s+(?P<after>{'|'.join(_MORE_WORDS + _LESS_WORDS)})|\s*(?P<plus>\+))?"
SIZE = re.compile(
    rf"(?:(?P<more>{_MORE})|(?P<less>{_LESS})|(?:of|about|around|measuring|~))?\s*(?P<number>{_NUMBER})\s*"
    rf"(?:(?:-|–|to)\s*(?P<second>{_NUMBER})\s*)?(?P<unit>mm|cm|millimet(?:er|re)s?|centimet(?:er|re)s?)\b{_OR_MORE}",
    re.IGNORECASE,
)
AGE = re.compile(
    rf"(?:(?:aged?|ages)\s*)?(?:(?P<more>{_MORE}|older)|(?P<less>{_LESS}))\s*(?P<number>\d{{1,3}})(?!\s*(?:mm|cm|\d))"
    r"(?:\s*(?:years?|yrs?|y/?o|y)\b(?:\s*(?:of\s+age|old))?)?"
    r"|(?:aged?|ages)\s+(?P<from>\d{1,3})(?:\s*(?:-|–|to|and)\s*(?P<to>\d{1,3}))?"
    r"|(?P<exact>\d{1,3})(?:\s*-?\s*)(?:years?|yrs?|y/?o|yo|y)\b(?:\s*-?\s*old)?",
    re.IGNORECASE,
)
ABOUT_MM = 0.2
"""How far a size may be from the one asked for without "more than" or the like."""


class SizeFound(NamedTuple):
    """A size, and where it stands."""

    begin: int
    end: int
    sizes: Sizes


def sizes_in(words: str) -> Iterator[SizeFound]:
    """The sizes of a question, with their ranges in mm."""
    for match in SIZE.finditer(words):
        scale = 10.0 if match["unit"].lower().startswith("c") else 1.0
        number, second = (_float(match[name]) for name in ("number", "second"))
        if number is None:
            continue
        size = number * scale
        is_more = bool(match["more"] or match["plus"]) or (match["after"] or "").lower() in _MORE_WORDS
        is_less = bool(match["less"]) or (bool(match["after"]) and not is_more)
        if second is not None:
            asked = Sizes(min_mm=size, max_mm=second * scale)
        elif is_more or is_less:
            asked = Sizes(min_mm=size if is_more else None, max_mm=size if is_less else None)
        else:
            asked = Sizes(min_mm=round(size * (1 - ABOUT_MM), 2), max_mm=round(size * (1 + ABOUT_MM), 2))
        yield SizeFound(*match.span(), asked)


def ages_in(words: str) -> Iterator[FilterAsked]:
    """The ages of a question, in years."""
    for match in AGE.finditer(words):
        begin, end = match.span()
        if match["number"]:
            age = float(match["number"])
            low, high = (age, None) if match["more"] else (None, age)
        elif match["exact"]:
            low, high = float(match["exact"]), float(match["exact"]) + 0.99
        else:
            low = float(match["from"])
            high = float(match["to"]) + 0.99 if match["to"] else low + 0.99
        yield FilterAsked(begin=begin, end=end, name="age_years", minimum=low, maximum=high)


def _float(text: str | None) -> float | None:
    return float(text.replace(",", ".")) if text else None
