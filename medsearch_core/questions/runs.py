"""A run of plain words: what it asks for, read as the reader of reports reads a sentence.

Belongs here: who is denied, doubted, on which side and how large, by the reader's own rules; clauses, alternatives, misspelled
words; and which words are left over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from medsearch_core.questions.languages import in_english
from medsearch_core.questions.matches import find_matches, names_organ
from medsearch_core.questions.quantities import ages_in, sizes_in
from medsearch_core.questions.question import (
    AnyOf,
    Correction,
    FilterAsked,
    FindingAsked,
    NormalAsked,
    Part,
    Sizes,
    Tree,
    WordsAsked,
)
from medsearch_core.questions.spelling import Dictionary
from medsearch_core.questions.terms import FilterWords, meanings_of, name_of, terms
from medsearch_core.reports.context.assertion import Context, Decision
from medsearch_core.reports.context.cues import cue_matcher
from medsearch_core.reports.context.qualifiers import Qualifiers, Surroundings
from medsearch_core.reports.lexicon.mentions import find_mentions
from medsearch_core.reports.lexicon.organs import organs_in
from medsearch_core.reports.lexicon.vocabulary import Concept
from medsearch_core.reports.text.phrases import Match
from medsearch_core.reports.text.units import Unit
from medsearch_core.reports.text.words import SIGNS, Sentence, commas, words_of

DENIALS = frozenset({"no", "without", "not", "never", "nor", "neither"})
WITHOUT = dict.fromkeys(("excluding", "exclude", "except", "excepting", "minus", "lacking"), "without")
"""Words that take away from what is asked for; in a report some of them would doubt it."""

BOTH_OF = {("both", "a"), ("both", "an")}
"""Where "both" is of two findings, not of two sides."""

CLAUSE_WORDS = frozenset({"but"})

SEVERITIES = {
    "minimal": ("minimal", "mild"),
    "mild": ("mild", "minimal", "mild to moderate"),
    "mild to moderate": ("mild to moderate", "mild", "moderate"),
    "moderate": ("moderate", "mild to moderate", "moderate to severe"),
    "moderate to severe": ("moderate to severe", "moderate", "severe"),
    "severe": ("severe", "moderate to severe"),
}
"""Severity as asked → the reports' words for it."""

TAKEN = "\0"

MAX_UNKNOWN_WORDS = 32
"""So many words of a question, at most, are looked up among the vocabulary's."""


class RunReader:
    """Reads the runs of one question, and keeps what it corrected.

    Args:
        words: the whole question; offsets are into it.
    """

    def __init__(self, words: str, dictionary: Dictionary) -> None:
        self._text, self._dictionary = words, dictionary
        self._sizes = list(sizes_in(words))
        self._ages = [age for age in ages_in(words) if not any(s.begin < age.end and age.begin < s.end for s in self._sizes)]
        self._unknown: set[str] = set()
        self.corrections: list[Correction] = []

    def forget(self, corrections: int) -> None:
        """Keeps no more than the first so many corrections."""
        del self.corrections[corrections:]

    def read(self, begin: int, end: int) -> list[Tree]:
        """What `words[begin:end]` asks for, in order."""
        ages: list[Tree] = [age for age in self._ages if begin <= age.begin and age.end <= end]
        sentence = words_of(self._text, begin, end)
        sentence = sentence and self._without_quantities(sentence)
        if sentence is None:
            return ages
        sentence = self._spelled(in_english(sentence, self._text, self._dictionary.knows))
        asked = [part for clause in _clauses(sentence, self._text) for part in self._clause(clause)]
        parts: list[Tree] = [*ages, *asked]
        parts.sort(key=_begin)
        return parts

    def _without_quantities(self, sentence: Sentence) -> Sentence | None:
        """A sentence without the words of sizes and ages, which are no findings' ("larger than 3 cm")."""
        spans = [(size.begin, size.end) for size in self._sizes] + [(age.begin, age.end) for age in self._ages]
        kept = [
            i
            for i, (begin, end) in enumerate(zip(sentence.begins, sentence.ends, strict=True))
            if not any(low < end and begin < high for low, high in spans) and sentence.words[i] not in SIGNS
        ]
        return _part(sentence, kept) if kept else None

    def _spelled(self, sentence: Sentence) -> Sentence:
        """A sentence with what misspelled words were meant to be in their place, and one word for all that take away."""
        words = [WITHOUT.get(word, word) for word in sentence.words]
        words = ["with" if pair in BOTH_OF else pair[0] for pair in zip_longest(words, words[1:])]
        for i, word in enumerate(words):
            corrected = self._correct(words, i) if self._is_worth_correcting(word) else None
            if corrected:
                words[i] = corrected
                begin, end = sentence.begins[i], sentence.ends[i]
                self.corrections.append(Correction(begin=begin, end=end, word=self._text[begin:end], read_as=corrected))
        return sentence._replace(words=tuple(words))

    def _correct(self, words: Sequence[str], i: int) -> str | None:
        """The word that one was meant to be; of an English word only where it makes a phrase ("plural thickening")."""
        word = words[i]
        if not self._dictionary.is_english(word):
            return self._dictionary.correct(word)
        other = self._dictionary.correct(word)
        phrases = find_mentions([*words[:i], other, *words[i + 1 :]]) if other else []
        return other if any(i in phrase.words and len(phrase.words) > 1 for phrase in phrases) else None

    def _is_worth_correcting(self, word: str) -> bool:
        """Whether a word is one of the first that no report holds: a page of foreign text is no misspelled question."""
        if not self._dictionary.knows(word):
            self._unknown.add(word)
        return word in self._unknown and len(self._unknown) <= MAX_UNKNOWN_WORDS

    def _clause(self, sentence: Sentence) -> list[Tree]:
        unit = Unit(self._text, sentence, frozenset())
        read = find_matches(unit)
        cues = Context(unit, read.mentions, read.normal)
        others: list[Match[Any]] = [*read.normal, *read.filters]
        surroundings = Surroundings(unit, [*read.mentions, *others])
        used = read.words()
        parts: list[Tree] = []
        for mention in read.mentions:
            qualifiers = surroundings.of(mention, is_outside_only=True)
            parts.append(self._finding(unit, mention, cues.decide(mention), qualifiers))
            used |= _words_around(unit, surroundings.reach(mention), mention) | {*range(mention.first, mention.last)}
        parts += [self._normal(unit, match) for match in read.normal]
        parts += [_filter(unit, match) for match in read.filters]
        if read.mentions:
            used |= {i for cue in cue_matcher().find(sentence.words) for i in cue.words}
        parts += self._left_over(unit, used)
        parts.sort(key=_begin)
        return _alternatives(unit, parts)

    def _finding(self, unit: Unit, mention: Match[Concept], decision: Decision, qualifiers: Qualifiers) -> FindingAsked:
        begin, end = unit.sentence.begins[mention.first], unit.sentence.ends[mention.last]
        return FindingAsked(
            begin=begin,
            end=end,
            name=name_of(mention.value),
            meanings=meanings_of(mention.value, is_anywhere=not names_organ(unit, mention)),
            said=_said(decision, qualifiers),
            laterality=qualifiers.laterality,
            anatomy=qualifiers.anatomy,
            severities=SEVERITIES.get(qualifiers.severity or "", ()),
            change=None if qualifiers.change == "resolved" else qualifiers.change,
            sizes=self._size_of(begin, end),
        )

    def _size_of(self, begin: int, end: int) -> Sizes | None:
        """The size that is asked of a finding: the one next to it, with no word between but small ones."""
        for found in self._sizes:
            between = self._text[end : found.begin] if found.begin >= end else self._text[found.end : begin]
            if len(between.split()) <= 2 and not set(between) & set(",;"):
                return found.sizes
        return None

    def _normal(self, unit: Unit, match: Match[tuple[str, ...]]) -> NormalAsked:
        begin, end = unit.sentence.begins[match.first], unit.sentence.ends[match.last]
        return NormalAsked(begin=begin, end=end, name=self._text[begin:end].lower(), absent=frozenset(match.value))

    def _left_over(self, unit: Unit, used: set[int]) -> Iterator[Tree]:
        """The words that nothing else has read; those that ask for nothing are passed over."""
        free = [TAKEN if i in used else word for i, word in enumerate(unit.words)]
        passed = {i for match in terms().fillers.find(free) for i in match.words}
        for i, word in enumerate(free):
            if word != TAKEN and i not in passed:
                begin, end = unit.sentence.begins[i], unit.sentence.ends[i]
                read = self._text[begin:end] if word.isascii() and word[:1] == self._text[begin].lower() else word
                is_corrected = any((c.begin, c.end) == (begin, end) for c in self.corrections)
                yield WordsAsked(begin=begin, end=end, text=word if is_corrected else read)


def _begin(part: Part) -> int:
    return part.begin


def _clauses(sentence: Sentence, text: str) -> Iterator[Sentence]:
    """The clauses of a run: a comma ends one, unless it stands in a list that is denied as a whole ("no A, B or C")."""
    after_comma = commas(sentence, text)
    begin = 0
    for i, word in enumerate(sentence.words):
        is_end = i in after_comma and not _is_denied_list(sentence.words, begin, i)
        if i > begin and (is_end or word in CLAUSE_WORDS):
            yield _part(sentence, range(begin, i))
            begin = i
    yield _part(sentence, range(begin, len(sentence.words)))


def _is_denied_list(words: Sequence[str], begin: int, at: int) -> bool:
    return words[begin] in DENIALS and not {"or", "nor"}.isdisjoint(words[at:])


def _part(sentence: Sentence, positions: Sequence[int]) -> Sentence:
    return Sentence(
        tuple(sentence.words[i] for i in positions),
        tuple(sentence.begins[i] for i in positions),
        tuple(sentence.ends[i] for i in positions),
    )


def _words_around(unit: Unit, reach: tuple[int, int], mention: Match[Concept]) -> set[int]:
    """The words that say something of a mention: its qualifiers, and the name of its organ."""
    low, high = reach
    own = {i for found in Surroundings(unit, ()).found if low <= found.first and found.last <= high for i in found.words}
    organ = mention.value.organ
    return own | {i for found in organs_in(unit.words) if organ and found.value == organ for i in found.words}


def _said(decision: Decision, qualifiers: Qualifiers) -> str:
    """What reports are asked to say: a question mark asks for the finding, it does not doubt it."""
    if qualifiers.change == "resolved" and decision.assertion in ("absent", "present", "historical"):
        return "resolved"
    if decision.assertion == "uncertain" and decision.cue and "?" in decision.cue:
        return "present"
    return decision.assertion


def _filter(unit: Unit, match: Match[FilterWords]) -> FilterAsked:
    value = match.value
    begin, end = unit.sentence.begins[match.first], unit.sentence.ends[match.last]
    return FilterAsked(begin=begin, end=end, name=value.name, values=value.values, minimum=value.minimum, maximum=value.maximum)


def _alternatives(unit: Unit, parts: Sequence[Tree]) -> list[Tree]:
    """Parts with "or" between them joined, unless they are denied: "effusion or edema", but not "no effusion or edema"."""
    ors = [unit.sentence.begins[i] for i, word in enumerate(unit.words) if word == "or"]
    groups: list[list[Tree]] = []
    for part in parts:
        last = groups[-1][-1] if groups else None
        is_joined = last is not None and any(last.end <= at <= part.begin for at in ors)
        if is_joined and not _is_denied(part) and not (last and _is_denied(last)):
            groups[-1].append(part)
        else:
            groups.append([part])
    return [g[0] if len(g) == 1 else AnyOf(begin=g[0].begin, end=g[-1].end, parts=tuple(g)) for g in groups]


def _is_denied(part: Tree) -> bool:
    return isinstance(part, FindingAsked) and part.said == "absent"
