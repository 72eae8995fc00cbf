"""Where one unit of reading ends and the next begins.

Belongs here: sentence ends, list items, spoken punctuation ("period"), labels that follow without a full stop, and line ends. A
line end is a break in a list or a template and none in wrapped prose: prose goes on in lower case, or its line was full.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_ABBREVIATIONS = ("vs", "[dD]r", "[LRlr]t", "[mM]r", "Mrs", "approx", r"e\.g", r"i\.e")
_NO_ABBREVIATION = "".join(rf"(?<!\b{word}\.)" for word in _ABBREVIATIONS)
_AT_SPACE = (
    rf"(?<=[.!;])(?<!\.\.\.){_NO_ABBREVIATION}\s+|(?<=[\w)\]]\?)\s+"
    r"|\n[ \t\r\f]*\n\s*|\n(?=[ \t]{0,20}(?:\d{1,2}[.)]|[-*\u2022])\s)"
)
_NO_SPACE = r"(?=[A-Z])(?<=[a-z)][.;])"
SENTENCE_END = re.compile(rf"{_AT_SPACE}|{_NO_SPACE}")
"""Where a sentence ends for certain: punctuation, a blank line, the next item of a list."""

_LABEL = r"[A-Z][A-Za-z/&-]+(?:[ \t][A-Za-z/&-]+){0,3}[ \t]?:(?:\s|$)"
# A search that first asks for the character that it begins with takes a third of the time.
_CANDIDATE = re.compile(
    rf"(?=[\s,])(?:{_AT_SPACE}|(?<=[a-z0-9),])[ \t]+(?={_LABEL})|(?<![ \t])[ \t]+(?=[\u2022\u25cf\u25aa\u25e6][ \t]*\w)"
    rf"|[ \t]+/[ \t]+(?={_LABEL})"
    r"|(?<![ \t])[ \t]+(?=(?P<item>\d{1,2})[.)][ \t]+[A-Z])"
    r"|(?P<spoken>(?<![ \t,])[ \t,]+(?i:period|full[ ]stop|(?:new|next)[ ](?:paragraph|line))\b[ \t.,]*)"
    rf"|(?P<line>(?<![ \t\r])[ \t\r]*\n[ \t]*))|{_NO_SPACE}"
)
_SIGNS = ("\n", ":", "?", ") ", "\u2022", "\u25cf", "\u25aa", "\u25e6", "1.", "2.", "3.")
_SPOKEN = ("period", "full stop", "new ", "next ")
_PLAIN = re.compile(r"[.!;]\s+|(?<=[a-z)])[.;](?=[A-Z])")
_ABBREVIATED = re.compile(rf"(?:\.\.\.|\b(?:{'|'.join(_ABBREVIATIONS)})\.)$")
"""What makes a simpler search do, in the texts that are most: nothing that could begin a label, a list or a line."""
_NO_STOP = re.compile(
    r"\b(?:a|an|the|this|that|each|any|time|waiting|menstrual|long|short|brief|interval|study|follow-?up|recovery|post\w*)\Z",
    re.IGNORECASE,
)
_OF = re.compile(r"(?:of|between|since|from|in)\b", re.IGNORECASE)
_LABELLED = re.compile(_LABEL)
_NEGATED = re.compile(r"(?:no|without)\b", re.IGNORECASE)
_OPEN = re.compile(
    r"(?:[,:/(\u2013-]|\b(?:a|an|the|of|to|in|on|at|by|for|from|with|without|within|and|or|nor|no|not|is|are|was|were|be|been|has"
    r"|have|than|that|which|as|may|could|versus|vs|near|over|under|above|below|left|right|bilateral|small|large|mild|moderate"
    r"|severe|acute|new|focal|definite|pleural|upper|lower|middle))\Z",
    re.IGNORECASE,
)
"""What does not end a line of a list."""

_ANSWERED = re.compile(
    r"(?:[:=]|[ \t]{2}|\t|\.{3}|\u2026|[ \t][-\u2013\u2014]{1,2})[ \t]*"
    r"(?:no|none|small|large|mild|moderate|severe|acute|new)\Z",
    re.IGNORECASE,
)
"""What ends one for all that: "Pneumothorax: no"."""

_WORD = re.compile(r"\S+")
_LONGEST = 24
"""Characters before a candidate that decide whether a clause is over."""

MIN_WIDTH = 60
"""A line of mixed case that ends before this column was not ended because it was full."""


class Stretch(NamedTuple):
    """A unit's text, `text[begin:end]`, and whether it begins a line."""

    begin: int
    end: int
    is_on_new_line: bool


def stretches(text: str, begin: int, end: int) -> Iterator[Stretch]:
    """The stretches of `text[begin:end]`, each to be read for itself."""
    part = text[begin:end].rstrip()
    end = begin + len(part)
    if not any(sign in part for sign in _SIGNS) and not any(word in part.lower() for word in _SPOKEN):
        yield from _sentences(text, begin, end)
        return
    start, is_new = begin, True
    width: tuple[int, bool] | None = None
    for found in _CANDIDATE.finditer(text, begin, end):
        if found["line"] is not None:
            width = width or _width(text, begin, end)
            if not _is_break(text, begin, found, end, *width):
                continue
        elif (found["item"] is not None and not _is_next_item(text, start, int(found["item"]))) or (
            found["spoken"] is not None and not _is_stop(text, found, end)
        ):
            continue
        if start < found.start():
            yield Stretch(start, found.start(), is_new)
        is_new = "\n" in found[0]
        start = found.end()
    if start < end:
        yield Stretch(start, end, is_new)


def _sentences(text: str, begin: int, end: int) -> Iterator[Stretch]:
    """The stretches of a text on one line without labels or lists."""
    start = begin
    for found in _PLAIN.finditer(text, begin, end):
        if _ABBREVIATED.search(text, max(found.start() - 6, begin), found.start() + 1) is None:
            yield Stretch(start, found.start() + 1, start == begin)
            start = found.end()
    if start < end:
        yield Stretch(start, end, start == begin)


def _is_next_item(text: str, start: int, item: int) -> bool:
    """Whether a number goes on with the list: "1. No fracture 2. Nodule", and not "in segment 7. Liver"."""
    return re.search(rf"(?<!\d){item - 1}[.)]\s*", text[max(start - 4, 0) : start + 4]) is not None


def _is_stop(text: str, spoken: re.Match[str], end: int) -> bool:
    """Whether "period" is dictated punctuation: "no effusion period", and not "a period of"."""
    before = text[max(spoken.start() - _LONGEST, 0) : spoken.start()]
    return "period" not in spoken[0].lower() or not (_NO_STOP.search(before) or _OF.match(text, spoken.end(), end))


def _width(text: str, begin: int, end: int) -> tuple[int, bool]:
    """The length of the longest line, and whether capitals tell where a sentence begins."""
    part = text[begin:end]
    return max(map(len, part.split("\n"))), part != part.upper() and part != part.lower()


def _is_break(text: str, begin: int, found: re.Match[str], end: int, longest: int, has_cases: bool) -> bool:
    """Whether a line was ended on purpose."""
    following = _WORD.match(text, found.end(), end)
    if following is None:
        return False
    start = max(text.rfind("\n", begin, found.start()) + 1, begin)
    line = text[start : found.start()]
    if _LABELLED.match(text, found.end(), end):
        return True
    if (_OPEN.search(line[-_LONGEST:]) and not _ANSWERED.search(line[-_LONGEST:])) or (has_cases and following[0][0].islower()):
        return False
    is_full = len(line) + 1 + len(following[0]) > (max(longest, MIN_WIDTH) if has_cases else longest)
    return not is_full or (not has_cases and _NEGATED.match(following[0]) is not None)
