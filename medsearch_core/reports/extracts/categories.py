"""Reporting categories in a report: `BI-RADS 4A`, `Lung-RADS 2S`, `TI-RADS 4`.

Belongs here: how a category is written (ACR BI-RADS Atlas 2013, Lung-RADS 2022, TI-RADS 2017, LI-RADS 2018, O-RADS; PI-RADS
2.1; CAD-RADS 2.0), and when what is written is none of this report: one of an earlier examination, or of a legend that explains
them all. The systems and their values are data (`categories.csv`). Time is linear in the text: what a pattern takes is bounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from medsearch_core.reports.data_files import rows

SHORT = re.compile(r"[TL]R[-\u2013]?[1-5MTN]")
"""What stands, besides the name of a system, in every report with a category."""

FILLERS = (
    r"acr|american|final|overall|assessment|category|categories|cat|score|grade|level|class|classification|code|lexicon|is|of|as|at"
    r"|us|mri|left|right|bilateral|breast|lesion|v(?:ersion)?\.?\s?\d{1,4}(?:\.\d)?|20\d\d|\d\.\d|tr|lr"
)
"""Words that may stand between the name of a system and the category."""

ROMAN = {"I": "1", "II": "2", "III": "3", "IV": "4", "V": "5", "VI": "6"}

PRIOR = re.compile(
    r"\b(?:prior|previous|previously|formerly|earlier|last|was|were|had been|history of|outside)\b[^.,;\n]{0,40}$",
    re.IGNORECASE,
)
PRIOR_AFTER = re.compile(
    r"[ \t)]{0,3}(?:,[ \t])?(?:(?:on|at|in|by|from)[ \t](?:the[ \t])?)?(?:prior|previous|previously|earlier|last)\b",
    re.IGNORECASE,
)
SCALE = re.compile(r"\s{0,2}(?:-|\u2013|to|through)\s{0,2}\d|\s{0,2}points?\b|\.\d|\s?%", re.IGNORECASE)
"""What follows the first value of a scale ("1-5"), or a number that is no category."""

LEGEND = re.compile(
    r"[ \t]{0,2}[:=\u2013-][ \t]{0,2}[A-Za-z][^\n;,]{0,60}[,;\n][ \t]{0,4}\(?[0-6][A-CX]?[ \t]{0,2}[:=\u2013][ \t]{0,2}[A-Za-z]"
)
"""What follows the first value of a legend: "0: incomplete, 1: negative"."""

CONCLUSION = re.compile(r"\b(?:assessment|impression|conclusion|final|overall|result)\b[^.;\n]{0,30}$", re.IGNORECASE)
"""What stands before a category that is the report's own, however many others are near."""

LEGEND_GAP = 160
"""How far apart the entries of a legend may begin."""


@dataclass(frozen=True, slots=True)
class _Category:
    system: str
    value: str
    begin: int
    is_conclusion: bool


@lru_cache
def _patterns() -> list[tuple[str, re.Pattern[str], list[str]]]:
    patterns = []
    for row in rows("categories.csv"):
        values = row["values"].split()
        alternatives = "|".join([*sorted(values, key=len, reverse=True), "(?-i:III|II|IV|VI|I|V)"])
        name = row["system"].replace("-", r"[ \t-]{0,2}")
        between = rf"(?:[\s:=#,(*\u2013-]{{0,4}}\b(?:{FILLERS})\b){{0,6}}[\s:=#(*\u2013-]{{0,4}}"
        long = rf"(?<![A-Za-z]){name}[\u2122\u00ae]?{between}(?:{row['short']}[ -]?)?(?P<value>{alternatives})(?![A-Za-z0-9])"
        short = rf"|(?-i:\b{row['short']}[-\u2013]?(?P<short>{'|'.join(values)}))(?![A-Za-z0-9])" if row["short"] else ""
        patterns.append((row["system"], re.compile(long + short, re.IGNORECASE), values))
    return patterns


def categories_of(text: str) -> list[str]:
    """The categories that a report gives, as system and value, in order of the alphabet and without repeats."""
    if "rads" not in text.lower() and not SHORT.search(text):
        return []
    found: set[str] = set()
    for system, pattern, values in _patterns():
        given = [c for match in pattern.finditer(text) if (c := _category(text, system, match, values))]
        found.update(f"{system} {category.value}" for category in _without_legends(given, values))
    return sorted(found)


def _category(text: str, system: str, match: re.Match[str], values: list[str]) -> _Category | None:
    """The category of a match; None where it is of an earlier examination, a scale, or the first of a legend."""
    value = next(filter(None, match.groups())).upper()
    value = ROMAN.get(value, value)
    is_of_others = PRIOR.search(text, max(match.start() - 60, 0), match.start()) or PRIOR_AFTER.match(text, match.end())
    if value not in values or is_of_others or SCALE.match(text, match.end()) or LEGEND.match(text, match.end()):
        return None
    is_conclusion = CONCLUSION.search(text, max(match.start() - 40, 0), match.start()) is not None
    return _Category(system, value, match.start(), is_conclusion)


def _without_legends(given: list[_Category], values: list[str]) -> list[_Category]:
    """The categories without runs of three and more that list a system's values from 0 or 1 on, close together."""
    runs: list[list[_Category]] = []
    for category in given:
        last = runs[-1][-1] if runs else None
        is_next = last and category.begin - last.begin <= LEGEND_GAP and values.index(category.value) > values.index(last.value)
        if is_next and not category.is_conclusion:
            runs[-1].append(category)
        else:
            runs.append([category])
    return [category for run in runs if len(run) < 3 or run[0].value not in ("0", "1") for category in run]
