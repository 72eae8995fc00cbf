"""Labels that have a value for each side: "Effusion: right none, left small", "Pneumothorax (R/L): no/yes".

Belongs here: the words of such a label, and those of each side with what is said of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from medsearch_core.reports.data_files import word_list
from medsearch_core.reports.text.answers import Answer, answer_of
from medsearch_core.reports.text.words import ONE_SIDE, Sentence, words_of

_BOTH = re.compile(
    r"[ \t]*\(?\b(?P<first>[RL]|right|left|rt|lt)[ \t]*/[ \t]*(?P<second>[RL]|right|left|rt|lt)\b\)?\Z", re.IGNORECASE
)
_LAST_SIDE = re.compile(r"[ \t(,-]*\b(?:[RL]|right|left|rt|lt)\b[ \t)]*\Z", re.IGNORECASE)
_PARTS = re.compile(r"[^,;.\n]+")
_SLASHED = re.compile(r"[^/.\n]+")
_MAX_CHARACTERS = 200

_POSITIVES = word_list("positive answers")
_PLACES = word_list("answer places")
_BESIDE = ONE_SIDE | {"on", "in", "the", "side", "sided", "is", "and", "but", "are"}


def sided_values(part: str, begin: int, label_end: int, value: int) -> tuple[Sentence, list[Sentence]] | None:
    """The words of a label, `part[begin:label_end]`, and of its values, one for each side; None where it has no two."""
    if len(part) > _MAX_CHARACTERS:
        return None
    both = _BOTH.search(part, begin, label_end)
    if both is not None:
        label = words_of(part, begin, both.start())
        values = _of_both(part, both, value)
    else:
        last = _LAST_SIDE.search(part, begin, label_end)
        label = words_of(part, begin, last.start() if last is not None else label_end)
        values = [words_of(part, *found.span()) for found in _PARTS.finditer(part, last.start() if last is not None else value)]
    said = [sentence for sentence in values if sentence is not None]
    if label is None or len(said) < 2 or not all(_is_of_one_side(sentence.words) for sentence in said):
        return None
    return label, said


def answer_of_side(words: Sequence[str]) -> Answer | None:
    """What a value says beside the side that it is of; None where it is no answer."""
    said = [word for word in words if word not in _BESIDE]
    answer = answer_of(said)
    if answer is not None or _POSITIVES.isdisjoint(said) or not (_POSITIVES | _PLACES).issuperset(said):
        return answer
    return Answer("present")


def _is_of_one_side(words: Sequence[str]) -> bool:
    return sum(word in ONE_SIDE for word in words) == 1 and answer_of_side(words) is not None


def _of_both(part: str, both: re.Match[str], value: int) -> list[Sentence | None]:
    """The values of "(R/L): no/yes", each with its side, which stands in the label."""
    sides = [words_of(part, *both.span(name)) for name in ("first", "second")]
    values = [words_of(part, *found.span()) for found in _SLASHED.finditer(part, value)]
    if len(values) != 2:
        return []
    return [
        side.followed_by(said) if side is not None and said is not None else None
        for side, said in zip(sides, values, strict=True)
    ]
