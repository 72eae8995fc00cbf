"""Units of reading: a sentence, an item of a list, a line of a template, a question with its answer, a row of a table.

Belongs here: from the text of a section to units, each read for itself, with the label that it stands under and what its value
answers. "HEART: enlarged" is a unit of its own whatever stands on the line before; "Is there an effusion? No." is one, too.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import NamedTuple

from medsearch_core.reports.text.answers import Answer, answer_at, checked
from medsearch_core.reports.text.lines import Stretch, stretches
from medsearch_core.reports.text.tables import table_rows, tables_in
from medsearch_core.reports.text.words import ONE_SIDE, Sentence, commas, words_of

MAX_LABEL_WORDS = 8

NEGATIVES = frozenset({"none", "absent", "negative", "resolved"})
POSITIVES = frozenset({"small", "tiny", "trace", "minimal", "mild", "moderate", "large", "severe", "present", "yes", "new"})

LABEL = re.compile(
    r"[\s>*#_\u2022\u25cf\u25aa\u25e6-]*(?:\d{1,2}[.)][ \t]+)?(?P<label>[A-Za-z][^:\n|?]{0,70}?)[ \t]*"
    r"(?:(?P<colon>:(?!\d))|(?P<loose>[ \t][-\u2013\u2014]{1,2}(?=\s)|[ \t]?\.{3,}|\u2026|[ \t]{2,}|\t)|(?P<asked>\?))[ \t]*"
)


_ASKS = re.compile(r"\?\s*$")
_BOX_BEGIN = re.compile(r"[\[(\u2610\u2611\u2612\u2713\u2714]")

SIGNS_OF_LABELS = (":", "?", " -", " \u2013", " \u2014", "...", "\u2026", "  ", "\t")
"""What a text without any of holds no label."""


class Unit(NamedTuple):
    """What is read for itself: its words, those after a comma, its label and its answer.

    `value` is the position of the value's first word, 0 without a label; `answer` is what the value says of the findings that
    the label names; `label` are the words of the label that it stands under, its own or one before it on its line.
    """

    sentence: Sentence
    commas: frozenset[int]
    value: int = 0
    answer: Answer | None = None
    label: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """Its folded words."""
        return self.sentence.words


def read_units(text: str, begin: int, end: int, known: Container[str] = ()) -> Iterator[Unit]:
    """The units of `text[begin:end]` in order; a word that a line's end splits is joined where the whole is `known`."""
    start = begin
    for table in tables_in(text, begin, end):
        yield from _units(text, start, table.begin, known)
        for row in table_rows(text, table):
            if (sentence := row.sentence(text)) is not None:
                yield Unit(sentence, frozenset(), len(sentence.words), row.answer)
        start = table.end
    yield from _units(text, start, end, known)


def _units(text: str, begin: int, end: int, known: Container[str]) -> Iterator[Unit]:
    label: tuple[str, ...] = ()
    is_open = False
    pending: Stretch | None = None
    for stretch in stretches(text, begin, end):
        if pending is not None:
            joined = Stretch(pending.begin, stretch.end, pending.is_on_new_line)
            unit = _labelled(text, joined, known)
            if unit is not None and unit.answer is not None:
                yield unit
                pending = None
                continue
            yield from _plain(text, pending, known, label)
            pending = None
        if stretch.is_on_new_line and not is_open:
            label = ()
        if _ASKS.search(text, max(stretch.end - 3, stretch.begin), stretch.end):
            pending = stretch
            continue
        boxes = _boxed(text, stretch, known)
        if boxes is not None:
            yield from boxes
            continue
        unit = _labelled(text, stretch, known)
        if unit is None:
            yield from _plain(text, stretch, known, label)
            continue
        label, is_open = unit.label, unit.value == len(unit.words)
        yield unit
    if pending is not None:
        yield from _plain(text, pending, known, label)


def _plain(text: str, stretch: Stretch, known: Container[str], label: tuple[str, ...]) -> Iterator[Unit]:
    sentence = words_of(text, stretch.begin, stretch.end, known)
    if sentence is not None:
        yield Unit(sentence, commas(sentence, text), label=label)


def _labelled(text: str, stretch: Stretch, known: Container[str]) -> Unit | None:
    """The unit of `LABEL: value`; None where there is no label. A dash, dots or a question mark make one only of an answer."""
    part = text[stretch.begin : stretch.end]
    found = LABEL.match(text, stretch.begin, stretch.end) if any(sign in part for sign in SIGNS_OF_LABELS) else None
    sentence = words_of(text, stretch.begin, stretch.end, known) if found is not None else None
    if found is None or sentence is None:
        return None
    value = sum(begin < found.end() for begin in sentence.begins)
    first = sum(begin < found.end("label") for begin in sentence.begins)
    if not 0 < first <= MAX_LABEL_WORDS + 4 * (found["asked"] is not None):
        return None
    denial = answer_at(text, sentence, 0, sentence.begins[0], found.end("label") + 1) if found["colon"] else None
    if denial is not None and denial.assertion == "absent":
        return Unit(sentence, commas(sentence, text), len(sentence.words), denial, tuple(sentence.words[:first]))
    answer = _answer_of_sides(sentence.words[value:]) or answer_at(text, sentence, value, found.end(), stretch.end)
    if found["colon"] is None and answer is None:
        return None
    return Unit(sentence, commas(sentence, text), value, answer, tuple(sentence.words[:first]))


def _answer_of_sides(words: list[str]) -> Answer | None:
    """What a value says that has one for each side: "none on the left, small on the right"."""
    if ONE_SIDE.isdisjoint(words) or NEGATIVES.isdisjoint(words) or POSITIVES.isdisjoint(words):
        return None
    return Answer("present")


def _boxed(text: str, stretch: Stretch, known: Container[str]) -> Iterator[Unit] | None:
    """The units of a line with boxes: one whose answer is checked, or each box with what stands beside it."""
    if _BOX_BEGIN.search(text, stretch.begin, stretch.end) is None:
        return None
    found = LABEL.match(text, stretch.begin, stretch.end)
    value = found.end() if found is not None and found["colon"] else stretch.begin
    boxes = checked(text, value, stretch.end)
    if not boxes:
        return None
    return _units_of_boxes(text, stretch, value, boxes, known)


def _units_of_boxes(
    text: str, stretch: Stretch, value: int, boxes: list[tuple[bool, int, int]], known: Container[str]
) -> Iterator[Unit]:
    answers = [_answer_of(text, begin, end) for _, begin, end in boxes]
    if value > stretch.begin and all(answers):
        label = words_of(text, stretch.begin, value, known)
        given = [answer for (is_checked, _, _), answer in zip(boxes, answers, strict=True) if is_checked]
        if label is not None:
            yield Unit(label, frozenset(), len(label.words), given[0] if given else Answer("hypothetical"), tuple(label.words))
        return
    for is_checked, begin, end in boxes:
        sentence = words_of(text, begin, end, known)
        if sentence is not None:
            yield Unit(sentence, frozenset(), len(sentence.words), Answer("present" if is_checked else "absent"))


def _answer_of(text: str, begin: int, end: int) -> Answer | None:
    sentence = words_of(text, begin, end)
    return answer_at(text, sentence, 0, begin + len(text[begin:end]) - len(text[begin:end].lstrip()), end) if sentence else None
