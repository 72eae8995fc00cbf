"""Values that answer a label: "Pneumothorax: none", "Effusion: 2/3", "Consolidation: ( ) Yes (x) No".

Belongs here: what a value says of the findings that its label names. The words are data (`answers.csv`); scores (`0/3`) and
boxes are read from the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from medsearch_core.reports.data_files import rows
from medsearch_core.reports.text.phrases import Match, Matcher, spellings
from medsearch_core.reports.text.words import Sentence, fold

MAX_WORDS = 6
"""Longest answer, in words."""

ARROW = re.compile(r".*(?:->|=>|\u2192|\u21d2)\s*", re.DOTALL)
"""What stands before the answer that was chosen of several: "yes / no -> no"."""

SCORE = re.compile(r"\s*(?P<score>\d{1,2})\s*/\s*\d{1,2}(?![\d/])")
ZERO = re.compile(r"\s*0(?:\.0+)?[ \t]*(?:mm|cm|%)?[ \t]*(?=$|[.,;)\n])")
SIGN = re.compile(r"\s*(?:[(\[](?P<sign>[-+\u2013])[)\]]|(?P<bare>[-+\u2013]{1,3}))\s*(?:$|[.,;\n])")
BOX = re.compile(r"[\[(][ \t]*(?P<mark>[xX\u2713\u2714]?)[ \t]*[\])]|(?P<symbol>[\u2610\u2611\u2612\u2713\u2714\u2717\u2718])")
OVER = re.compile(r"\s*(?:$|[.,;:()\[\]|\n])")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a value says: an assertion, how certain an uncertain one is, and the words that say it."""

    assertion: str
    certainty: str | None = None
    cue: str = ""


PRESENT = Answer("present")
"""Said by a checked box, a cell of a table, or a value that has something on one side: no word of it says otherwise."""


@lru_cache
def _answers() -> Matcher[Answer]:
    return Matcher((row["phrase"], Answer(row["assertion"], row["certainty"] or None)) for row in rows("answers.csv"))


@lru_cache
def _list_labels() -> dict[tuple[str, ...], Answer]:
    return {
        tuple(map(fold, words)): Answer(row["assertion"], row["certainty"] or None, " ".join(words))
        for row in rows("list_labels.csv")
        for words in spellings(row["phrase"])
    }


def said_of_list(label: Sequence[str]) -> Answer | None:
    """What a label of these folded words says of the list below it; None where it is none of the labels of lists."""
    words, known = tuple(label), _list_labels()
    if words not in known and "following" in words:
        words = words[words.index("following") :]
    if words not in known and "since" in words[1:]:
        words = words[: words.index("since")]
    return known.get(words)


def answer_at(text: str, sentence: Sentence, first: int, begin: int, end: int) -> Answer | None:
    """What the value that begins at `begin`, with the word `first`, answers; None where it is no answer but a statement."""
    if (arrow := ARROW.match(text, begin, end)) is not None:
        begin = arrow.end()
        first = sum(word < begin for word in sentence.begins)
    if (score := SCORE.match(text, begin, end)) is not None:
        return Answer("absent" if int(score["score"]) == 0 else "present", cue=score[0].strip())
    if (zero := ZERO.match(text, begin, end)) is not None:
        return Answer("absent", cue=zero[0].strip())
    if (sign := SIGN.match(text, begin, end)) is not None:
        return Answer("present" if "+" in sign[0] else "absent", cue=sign[0].strip())
    found = [match for match in _answers().find_all(sentence.words[first : first + MAX_WORDS]) if match.first == 0]
    for match in sorted(found, key=lambda match: -len(match.words)):
        last = first + match.last
        if _is_contiguous(match) and OVER.match(text, sentence.ends[last], end):
            return Answer(match.value.assertion, match.value.certainty, sentence.text(text, first, last))
    return None


def answer_of(words: Sequence[str]) -> Answer | None:
    """What these words answer, all of them together; None where they are no answer."""
    found = (match for match in _answers().find_all(words) if match.first == 0 and len(match.words) == len(words))
    return next((match.value for match in found), None)


def _is_contiguous(match: Match[Answer]) -> bool:
    return match.last == len(match.words) - 1


def checked(text: str, begin: int, end: int) -> list[tuple[bool, int, int]]:
    """The boxes in `text[begin:end]`: whether each is checked, and the stretch of text that is its own."""
    boxes = [*BOX.finditer(text, begin, end)]
    if not boxes:
        return []
    if text[begin : boxes[0].start()].strip(" \t:-*\u2022") and not text[boxes[-1].end() : end].strip(" \t."):
        starts = [begin, *(box.end() for box in boxes[:-1])]
        return [(_is_checked(box), start, box.start()) for box, start in zip(boxes, starts, strict=True)]
    ends = [*(box.start() for box in boxes[1:]), end]
    return [(_is_checked(box), box.end(), stop) for box, stop in zip(boxes, ends, strict=True)]


def _is_checked(box: re.Match[str]) -> bool:
    return bool(box["mark"]) or box["symbol"] not in (None, "\u2610", "\u2717", "\u2718")
