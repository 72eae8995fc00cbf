"""Units of reading: a sentence, an item of a list, a line of a template, a question with its answer, a row of a table.

Belongs here: from the text of a section to units, each read for itself, with the label that it stands under and what its value
answers. "HEART: enlarged" is a unit of its own whatever stands on the line before; "Is there an effusion? No." is one, too.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from medsearch_core.reports.data_files import word_list
from medsearch_core.reports.text.answers import PRESENT, Answer, answer_at, checked, said_of_list
from medsearch_core.reports.text.lines import Stretch, stretches
from medsearch_core.reports.text.sides import answer_of_side, sided_values
from medsearch_core.reports.text.tables import table_rows, tables_in
from medsearch_core.reports.text.words import NO_COMMAS, ONE_SIDE, SIDE_OF, Sentence, commas, words_of

MAX_LABEL_WORDS = 8

NEGATIVES = word_list("negative answers")
POSITIVES = word_list("positive answers")

LABEL = re.compile(
    r"[\s<>*#_\u2022\u25cf\u25aa\u25e6-]*(?:\d{1,2}[.)][ \t]+)?(?:Q[:.)][ \t]*)?(?P<label>[A-Za-z][^:=\n|?]{0,70}?)[ \t]*"
    r"(?:(?P<colon>:(?!\d)|=(?![=>]))|(?P<loose>[ \t]?(?=\[[^\]\n]{0,40}\](?!\s*:))"
    r"|[ \t][-\u2013\u2014]{1,2}(?=\s)|[ \t]?\.{3,}|\u2026|[ \t]{2,}|\t)"
    r"|(?P<asked>\?)[ \t]*:?(?:\s*A(?:nswer)?[:.)])?)"
    r"[ \t]*"
)
_SIDE_OF = re.compile(
    r"\s*(?:(?:no longer|none|no|absent|normal|clear|trace|tiny|small|mild|moderate|large|severe|new|present)\b[^\S\n]*)?"
    r"(?:(?:on|in)\s+)?"
    r"(?:the\s+)?(?:left|right|[LR]|[lr]t)\b(?:\s?:)?[^:;.\n]{0,40}[.;]?\s*$",
    re.IGNORECASE,
)
"""The second of two values, one for each side: "small on the right", "left - moderate"."""

_OTHER_SIDE = re.compile(
    r"\s*(?:(?:and|but|while|whereas)\s+)?(?:on\s+)?(?:the\s+)?(?:left|right)(?:[ -]sided)?(?:\s+(?:one|side|it))*\s+"
    r"(?:(?:has|is|still)\s+)*"
    r"(?:persist|remain|unchanged|stable|increased|decreased|improved|larger|smaller|worse)",
    re.IGNORECASE,
)
"""The other side of a finding: "the left one persists"."""

_SIDE_WORD = re.compile(r"\b(?:left|right|[LR]t?)\b", re.IGNORECASE)

_LABEL_LINE = re.compile(r"[\s*#]*[A-Za-z][A-Za-z/ \t-]{1,40}:[\s*]*")
_HAS_LABEL = re.compile(r"[:=|?]|^\s*[A-Z /]{3,}\s*$|[ \t][-\u2013\u2014][ \t]")
_ITEM = re.compile(r"\s*(?:[-*\u2022\u25cf\u25aa\u25e6]|\(?(?:\d{1,2}|[a-h])[.)])\s*")
_BEFORE_ITEM = re.compile(r"(?:;|(?<!\w)(?:\d{1,2}|[a-h])[.)])\s*\Z")
_MINUS_ITEM = re.compile(r"\s*[-\u2013][ \t]?(?=[A-Za-z])")
_PLUS_ITEM = re.compile(r"(?:\A|[.,;\n])[ \t]*\+[ \t]?(?=[A-Za-z])")
_SHORT_ITEM = re.compile(r"\s*[-\u2013][ \t]?[a-z]{2,4}[.;\s]*")
MINUS = Answer("absent", cue="-")
"""What a "-" before an item says where it is no mark of a list: "+ edema. - effusion."."""

MAX_ITEM_WORDS = 5
"""Longest item of a list that no sign begins."""

_PLACES = word_list("answer places")
"""Words that a value may have beside one that answers a question: "Pneumothorax? Small apical on the right."."""
_JOINTS = word_list("answer joints")


_ASKS = re.compile(r"\?\s*$")
_BOX_BEGIN = re.compile(r"[\[(\u2610\u2611\u2612\u2713\u2714\u2717\u2718]")

SIGNS_OF_LABELS = (":", "=", "[", "?", " -", " \u2013", " \u2014", "...", "\u2026", "  ", "\t")
"""What a text without any of holds no label."""


MAX_KEPT_CHARACTERS = 400
KEPT = 8192
"""Reports repeat themselves: of their units, more than half were read before. So many are kept, none longer than that."""


class Unit(NamedTuple):
    """What is read for itself: its text, its words, those after a comma, its label and its answer.

    Offsets are into its own `text`, so that two equal sentences are equal units. `value` is the position of the value's first
    word, 0 without a label; `answer` is what the value says of the findings that the label names; `label` are the words of the
    label that it stands under, its own or one before it on its line; `heading` is what the label of a list says of its items.
    """

    text: str
    sentence: Sentence
    commas: frozenset[int]
    value: int = 0
    answer: Answer | None = None
    label: tuple[str, ...] = ()
    heading: Answer | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """Its folded words."""
        return self.sentence.words

    def span(self, first: int, last: int) -> str:
        """Its text from one word to another, gaps included."""
        return self.sentence.text(self.text, first, last)


PlacedUnit = tuple[int, Unit]
"""Where a unit's text begins, and the unit."""


class _Read(NamedTuple):
    """The units of a stretch, and whether it is a label with its value, which those after it on its line stand under."""

    units: tuple[PlacedUnit, ...]
    is_labelled: bool = False


def read_units(text: str, begin: int, end: int, known: frozenset[str] = frozenset()) -> Iterator[PlacedUnit]:
    """The units of `text[begin:end]` in order; a word that a line's end splits is joined where the whole is `known`."""
    start = begin
    for table in tables_in(text, begin, end):
        yield from _units(text, start, table.begin, known)
        for row in table_rows(text, table):
            if (sentence := row.sentence(text)) is not None:
                own = _moved(sentence, -table.begin)
                yield table.begin, Unit(text[table.begin : table.end], own, frozenset(), len(own.words), row.answer)
        start = table.end
    yield from _units(text, start, end, known)


def _moved(sentence: Sentence, by: int) -> Sentence:
    return Sentence(sentence.words, tuple(at + by for at in sentence.begins), tuple(at + by for at in sentence.ends))


def _units(text: str, begin: int, end: int, known: frozenset[str]) -> Iterator[PlacedUnit]:
    label: tuple[str, ...] = ()
    heading: Answer | None = None
    last: tuple[str, ...] = ()
    is_open = False
    pending: Stretch | None = None
    is_signed: bool | None = None
    for stretch in _with_values(text, _with_both_sides(text, stretches(text, begin, end))):
        if pending is not None:
            unit = _labelled(text[pending.begin : stretch.end], known)
            asked, pending = pending, None
            if unit is not None and unit.answer is not None:
                yield asked.begin, unit
                continue
            yield from _placed(asked.begin, _plain(text[asked.begin : asked.end], known), label)
        if stretch.is_on_new_line and not is_open:
            label = ()
        if _ASKS.search(text, max(stretch.end - 3, stretch.begin), stretch.end):
            pending = stretch
            continue
        read = _read(text[stretch.begin : stretch.end], known)
        if read.is_labelled:
            ((_, unit),) = read.units
            is_open = unit.value == len(unit.words) or "\n" in unit.text
            label, heading = unit.label, said_of_list(unit.label)
        elif (of_line := _list_line(stretch, read.units)) is not None:
            label, heading, is_open = read.units[0][1].words, of_line, True
        elif heading is None and _ITEM.match(text, stretch.begin, stretch.end):
            heading = said_of_list(last)
        elif heading is not None and not _is_item(text, stretch, read.units, is_open):
            heading = None
        last = read.units[-1][1].words if read.units else ()
        denied = None
        if text.startswith(("-", "\u2013"), stretch.begin) and _MINUS_ITEM.match(text, stretch.begin, stretch.end):
            is_signed = _is_signed(text, begin, end) if is_signed is None else is_signed
            denied = MINUS if is_signed else None
        yield from _placed(stretch.begin, read.units, label, denied or heading)
    if pending is not None:
        yield from _placed(pending.begin, _plain(text[pending.begin : pending.end], known), label)


def _is_signed(text: str, begin: int, end: int) -> bool:
    """Whether a "-" before an item denies it: others have a "+", or it is the only item and one word of shorthand."""
    return _PLUS_ITEM.search(text, begin, end) is not None or _SHORT_ITEM.fullmatch(text, begin, end) is not None


def _placed(
    begin: int, units: Iterable[PlacedUnit], label: tuple[str, ...], heading: Answer | None = None
) -> Iterator[PlacedUnit]:
    """The units of a stretch that begins at `begin`; those without a label of their own stand under the one before them."""
    for at, unit in units:
        if unit.answer is None and (label or heading):
            yield begin + at, unit._replace(label=unit.label or label, heading=heading)
        else:
            yield begin + at, unit


def _list_line(stretch: Stretch, units: Sequence[PlacedUnit]) -> Answer | None:
    """What a line says of the list below it that is nothing but a label, though without a colon: "NEGATIVE FINDINGS"."""
    if len(units) != 1:
        return None
    ((_, unit),) = units
    if unit.words[-1].isdigit():
        return said_of_list(unit.words[:-1])
    is_title = stretch.is_on_new_line and unit.text.strip().isupper() and len(unit.words) > 1
    return said_of_list(unit.words) if is_title else None


def _is_item(text: str, stretch: Stretch, units: Sequence[PlacedUnit], is_open: bool) -> bool:
    """Whether a stretch is an item of the list whose label was read before."""
    if _ITEM.match(text, stretch.begin, stretch.end) or _BEFORE_ITEM.search(text[max(stretch.begin - 8, 0) : stretch.begin]):
        return True
    is_short = sum(len(unit.words) for _, unit in units) <= MAX_ITEM_WORDS
    return is_open and stretch.is_on_new_line and is_short and not text[stretch.begin : stretch.end].rstrip().endswith(".")


def _with_both_sides(text: str, found: Iterable[Stretch]) -> Iterator[Stretch]:
    """The stretches, those joined that answer one label for each side: "Effusion: none on the left; small on the right"."""
    before: Stretch | None = None
    for stretch in found:
        if before is not None:
            joined = Stretch(before.begin, stretch.end, before.is_on_new_line)
            if not stretch.is_on_new_line and _is_one(text, before, stretch):
                before = joined
                continue
            yield before
        before = stretch
    if before is not None:
        yield before


def _is_one(text: str, before: Stretch, stretch: Stretch) -> bool:
    """Whether a stretch and the one behind it answer one label, or speak of the two sides of one finding."""
    if before.end - before.begin > MAX_KEPT_CHARACTERS:
        return False
    part = text[before.begin : before.end].rstrip()
    if part.endswith(";") and _OTHER_SIDE.match(text, stretch.begin, stretch.end):
        return True
    if (":" not in part and " - " not in part) or not _SIDE_OF.match(text, stretch.begin, stretch.end):
        return False
    return part.endswith(";") or (part.endswith((".", ",")) and _sided(text[before.begin : stretch.end]) is not None)


def _with_values(text: str, found: Iterable[Stretch]) -> Iterator[Stretch]:
    """The stretches, a label alone on its line joined with the statement on the next: "Pneumothorax:\\nNo pneumothorax."."""
    before: Stretch | None = None
    for stretch in found:
        if before is not None:
            value = text[stretch.begin : stretch.end]
            if not (_ITEM.match(value) or _HAS_LABEL.search(value)):
                yield Stretch(before.begin, stretch.end, before.is_on_new_line)
                before = None
                continue
            yield before
            before = None
        if _LABEL_LINE.fullmatch(text, stretch.begin, stretch.end):
            before = stretch
        else:
            yield stretch
    if before is not None:
        yield before


def _read(part: str, known: frozenset[str]) -> _Read:
    return _read_kept(part, known) if len(part) <= MAX_KEPT_CHARACTERS else _read_anew(part, known)


def _read_anew(part: str, known: frozenset[str]) -> _Read:
    boxes = _boxed(part, known)
    if boxes is not None:
        return _Read(tuple(boxes))
    if not any(sign in part for sign in SIGNS_OF_LABELS):
        return _Read(_plain(part, known))
    if (sided := _sided(part)) is not None:
        return _Read(tuple(_units_of_sides(part, *sided)))
    unit = _labelled(part, known)
    return _Read(((0, unit),), is_labelled=True) if unit is not None else _Read(_plain(part, known))


_read_kept = lru_cache(maxsize=KEPT)(_read_anew)


def _plain(part: str, known: Container[str]) -> tuple[PlacedUnit, ...]:
    sentence = words_of(part, 0, len(part), known)
    return ((0, Unit(part, sentence, commas(sentence, part))),) if sentence is not None else ()


def _labelled(part: str, known: Container[str]) -> Unit | None:
    """The unit of `LABEL: value`; None where there is no label. A dash, dots or a question mark make one only of an answer."""
    found = LABEL.match(part)
    sentence = words_of(part, 0, len(part), known) if found is not None else None
    if found is None or sentence is None:
        return None
    value = sum(begin < found.end() for begin in sentence.begins)
    first = sum(begin < found.end("label") for begin in sentence.begins)
    is_long = found["asked"] is not None or "following" in sentence.words[:first]
    if not 0 < first <= MAX_LABEL_WORDS + 4 * is_long:
        return None
    label = sentence.words[:first]
    denial = answer_at(part, sentence, 0, sentence.begins[0], found.end("label") + 1) if found["colon"] else None
    if denial is not None and denial.assertion == "absent":
        return Unit(part, sentence, commas(sentence, part), len(sentence.words), denial, label)
    answer = _answer_of_sides(sentence.words[value:]) or answer_at(part, sentence, value, found.end(), len(part))
    if answer is None and (found["asked"] or part[found.end() : found.end() + 1] == "["):
        answer = _answer_of_size(sentence.words[value:])
    if found["colon"] is None and answer is None:
        return None
    return Unit(part, sentence, commas(sentence, part), value, answer, label)


def _sided(part: str) -> tuple[Sentence, list[Sentence]] | None:
    """The words of a label and of its values, one for each side; None where it has no two such values."""
    found = LABEL.match(part) if _SIDE_WORD.search(part) is not None else None
    return sided_values(part, found.start("label"), found.end("label"), found.end()) if found is not None else None


def _units_of_sides(part: str, label: Sentence, values: list[Sentence]) -> Iterator[PlacedUnit]:
    """A unit for each side, with what is there first: it speaks for the label."""
    units = []
    for value in values:
        named = value._replace(words=tuple(SIDE_OF.get(word, word) for word in value.words))
        sentence = label.followed_by(named)
        answer = answer_of_side(value.words)
        if answer is None:
            continue
        cue = value.text(part, *_said_in(value.words))
        said = PRESENT if answer.assertion == "present" else Answer(answer.assertion, answer.certainty, cue)
        units.append(Unit(part, sentence, NO_COMMAS, len(sentence.words), said, label.words))
    yield from ((0, unit) for unit in sorted(units, key=lambda unit: unit.answer != PRESENT))


def _said_in(words: Sequence[str]) -> tuple[int, int]:
    """The first and last of the words that are no side."""
    said = [i for i, word in enumerate(words) if word not in ONE_SIDE]
    return said[0], said[-1]


def _answer_of_sides(words: Sequence[str]) -> Answer | None:
    """What a value says that has one for each side: "none on the left, small on the right"."""
    if not (NEGATIVES | POSITIVES | ONE_SIDE | _PLACES | _JOINTS).issuperset(words):
        return None
    is_negative = not NEGATIVES.isdisjoint(words) or ("no", "longer") in pairwise(words)
    if ONE_SIDE.isdisjoint(words) or not is_negative or POSITIVES.isdisjoint(words):
        return None
    return PRESENT


def _answer_of_size(words: Sequence[str]) -> Answer | None:
    """What a value says that names nothing but a size and a place: "small apical on the right"."""
    is_all = bool(words) and words[0] in POSITIVES and (POSITIVES | _PLACES).issuperset(words)
    return Answer("present", cue=words[0]) if is_all else None


def _boxed(part: str, known: Container[str]) -> Iterator[PlacedUnit] | None:
    """The units of a line with boxes: one whose answer is checked, or each box with what stands beside it."""
    if _BOX_BEGIN.search(part) is None:
        return None
    found = LABEL.match(part)
    value = found.end() if found is not None and found["colon"] else 0
    boxes = checked(part, value, len(part))
    return _units_of_boxes(part, value, boxes, known) if boxes else None


def _units_of_boxes(part: str, value: int, boxes: list[tuple[bool, int, int]], known: Container[str]) -> Iterator[PlacedUnit]:
    answers = [_answer_of(part[begin:end]) for _, begin, end in boxes]
    if value and all(answers):
        label = words_of(part, 0, value, known)
        given = [answer for (is_checked, _, _), answer in zip(boxes, answers, strict=True) if is_checked]
        if label is not None:
            answer = given[0] if given else Answer("hypothetical")
            yield 0, Unit(part[:value], label, frozenset(), len(label.words), answer, label.words)
        return
    for is_checked, begin, end in boxes:
        own = part[begin:end]
        sentence = words_of(own, 0, len(own), known)
        if sentence is not None:
            answer = PRESENT if is_checked else Answer("absent")
            yield begin, Unit(own, sentence, frozenset(), len(sentence.words), answer)


def _answer_of(part: str) -> Answer | None:
    sentence = words_of(part, 0, len(part))
    return answer_at(part, sentence, 0, len(part) - len(part.lstrip()), len(part)) if sentence else None
