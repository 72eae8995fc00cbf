"""Fields of a question: `modality:CT`, `age:>60`, `date:2150-01..2150-06`, `impression:effusion`.

Belongs here: their names, which filter or section each is, and how its value is read. A value that is none is no error: its
words are looked for as they stand.
"""

from __future__ import annotations

import re
from typing import TypeVar

from medsearch_core.questions.question import FilterAsked, Tree, WordsAsked

SECTIONS = {"impression": "impression", "findings": "findings", "indication": "indication"}
"""Field → the section that its words have to stand in."""

VALUES = {
    "modality": "modalities",
    "body": "body_parts",
    "bodypart": "body_parts",
    "view": "views",
    "laterality": "lateralities",
    "side": "lateralities",
    "patient": "patients",
    "study": "studies",
    "sex": "sexes",
    "tag": "tags",
}
"""Field → the filter that its value is one of."""

AGE, DATE = "age", "date"
BOUNDS = {"from": "minimum", "since": "minimum", "after": "minimum", "until": "maximum", "before": "maximum", "to": "maximum"}
"""Field → the end of a range of dates."""

FIELDS = frozenset({*SECTIONS, *VALUES, AGE, DATE, *BOUNDS})

UPPER = frozenset({"modalities", "body_parts", "views", "lateralities", "sexes"})
SEXES = {"FEMALE": "F", "MALE": "M", "W": "F", "WOMAN": "F", "MAN": "M", "OTHER": "O"}
SIDES = {"LEFT": "L", "RIGHT": "R"}

Bound = TypeVar("Bound", float, str)

_NUMBERS = re.compile(r"(?P<sign>[<>]=?)?(?P<low>\d{1,3})(?:(?:-|\.\.)(?P<high>\d{1,3}))?\Z")
_DATE = r"\d{4}(?:-\d{2}(?:-\d{2})?)?"
_DATES = re.compile(rf"(?P<sign>[<>]=?)?(?P<low>{_DATE})(?:\.\.(?P<high>{_DATE}))?\Z")


def is_field(name: str) -> bool:
    """Whether `name:` is a field of questions."""
    return name in FIELDS


def filter_asked(name: str, value: str, begin: int, end: int) -> Tree:
    """The filter that a field asks for, of one that is no section."""
    if name == AGE and (match := _NUMBERS.match(value)):
        low, high = float(match["low"]), float(match["high"] or match["low"]) + 0.99
        minimum, maximum = _range(match["sign"], low, high)
        return FilterAsked(begin=begin, end=end, name="age_years", minimum=minimum, maximum=maximum)
    if (name == DATE or name in BOUNDS) and (match := _DATES.match(value)):
        low_date, high_date = _first_day(match["low"]), _last_day(match["high"] or match["low"])
        if name in BOUNDS:
            is_from = BOUNDS[name] == "minimum"
            earliest, latest = (low_date, None) if is_from else (None, high_date)
            return FilterAsked(begin=begin, end=end, name="study_date", minimum=earliest, maximum=latest)
        minimum_date, maximum_date = _range(match["sign"], low_date, high_date)
        return FilterAsked(begin=begin, end=end, name="study_date", minimum=minimum_date, maximum=maximum_date)
    if name in VALUES and value:
        values = tuple(_value(VALUES[name], part) for part in value.split(",") if part)
        return FilterAsked(begin=begin, end=end, name=VALUES[name], values=values)
    return WordsAsked(begin=begin, end=end, text=value or name, kind="phrase")


def _value(name: str, text: str) -> str:
    if name not in UPPER:
        return text
    return {"sexes": SEXES, "lateralities": SIDES}.get(name, {}).get(text.upper(), text.upper())


def _range(sign: str | None, low: Bound, high: Bound) -> tuple[Bound | None, Bound | None]:
    if sign is None:
        return low, high
    return (low, None) if sign.startswith(">") else (None, high)


def _first_day(date: str) -> str:
    return (date + "-01-01"[len(date) - 4 :]) if len(date) < 10 else date


def _last_day(date: str) -> str:
    return (date + "-12-31"[len(date) - 4 :]) if len(date) < 10 else date
