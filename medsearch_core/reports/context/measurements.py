"""Lengths in a sentence: "8 mm", "1.2 x 0.9 cm", "4 to 6 mm", "two centimeters".

Belongs here: what a length looks like and how large it is. What it is the length of is decided in `sizes`. Only millimeters and
centimeters count (the units that RECIST 1.1 and the Fleischner Society's guidelines of 2017 measure in), with a decimal point:
"1,5 cm" is left unread, since a comma may as well stand between two numbers.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from medsearch_core.reports.text.words import Sentence

SPELLED = {w: i for i, w in enumerate(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), 1)}

UNITS = frozenset({"mm", "cm", "millimeter", "millimetre", "centimeter", "centimetre"})
"""Folded words, one of which stands in every sentence with a length."""

MAX_MM = 600.0
"""What is longer is no part of a body on an image: a distance to the detector, or a slip."""

_NUMBER = rf"(?:\d{{1,3}}(?:\.\d{{1,2}})?|\.\d{{1,2}}|\b(?:{'|'.join(SPELLED)})\b)"
_UNIT = r"(?:mm|cm|millimet(?:er|re)s?|centimet(?:er|re)s?)"
_TIMES = rf"(?:[ \t-]?{_UNIT})?\s{{0,2}}(?:[x×*]|\bby\b)\s{{0,2}}"
_RANGE = r"(?:\s{0,2}[-\u2013]\s{0,2}|\s{1,2}(?:to|and|or)\s{1,2})"
LENGTH = re.compile(
    rf"(?<![\w.])(?<!\d[,/]){_NUMBER}(?:(?:{_TIMES}|{_RANGE}){_NUMBER}){{0,3}}[\s-]{{0,2}}(?P<unit>{_UNIT})(?![\w/^²³])(?!\s?hg\b)",
    re.IGNORECASE,
)
_PART = re.compile(
    rf"(?P<number>{_NUMBER})(?:[ \t-]?(?P<unit>{_UNIT}))?|(?P<range>-|\u2013|\bto\b|\band\b|\bor\b)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Measurement:
    """A length: the positions of its first and last word, and in mm the largest diameter of each size that it names."""

    first: int
    last: int
    values: tuple[float, ...]


def find_measurements(text: str, sentence: Sentence) -> list[Measurement]:
    """The lengths in a sentence, in order; those of other cells that lie between the cells of a table's row are left out."""
    found = []
    begins = _in_order(sentence)
    for match in LENGTH.finditer(text, begins[0], sentence.ends[len(begins) - 1]):
        values, begin = _read(match)
        first, last = (bisect_right(begins, at) - 1 for at in (begin + (text[begin] == "."), match.end() - 1))
        is_inside = first >= 0 and begin < sentence.ends[first] and match.end() <= sentence.ends[last]
        if is_inside and 0 < max(values) <= MAX_MM:
            found.append(Measurement(first, last, values))
    return found


def _in_order(sentence: Sentence) -> Sequence[int]:
    """Where the words begin, without the words of a table's heading, which follow those of the row they stand above."""
    begins = sentence.begins
    return begins[: next((i for i in range(1, len(begins)) if begins[i] < begins[i - 1]), len(begins))]


def _read(match: re.Match[str]) -> tuple[tuple[float, ...], int]:
    """The sizes that a length names, and where it begins: of "image 5 - 3 mm", which descends, only the last part is one."""
    sizes: list[float] = []
    is_new, is_dashed, begin = True, False, match.start()
    for part in _PART.finditer(match.string, match.start(), match.end()):
        if part["range"]:
            is_new, is_dashed = True, part["range"] in "-\u2013"
            continue
        size = _number(part["number"]) * (10 if (part["unit"] or match["unit"])[0] in "cC" else 1)
        if is_new and is_dashed and sizes and size < sizes[-1]:
            sizes, begin = [], part.start()
        sizes = [*sizes, size] if is_new else [*sizes[:-1], max(sizes[-1], size)]
        is_new = False
    return tuple(round(size, 2) for size in sizes), begin


def _number(word: str) -> float:
    return float(SPELLED.get(word.lower(), 0) or word)
