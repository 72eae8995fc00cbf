"""Examinations that a report recommends, in words of its own: `CT in 3 months`, `biopsy`, `chest radiograph after treatment`.

Belongs here: how the kinds of phrases in `recommendations.csv` go together. A `modality` names an examination. `ask` stands
before what it asks for ("consider CT"), `passive` behind it ("CT is recommended"); "follow-up CT in 3 months" needs neither.
What was recommended in the `past`, what is under a `denial`, what is `done`, and what only shows something (`context`: "seen
on CT") is no recommendation. `link` joins two examinations, `purpose` ends the words of one, `leading` words stand before its
name, and `body` words within it. Nothing but a name of the data file and a number of days, weeks, months or years gets into
the answer, so that it never holds patient data. Time is linear in the text: no search goes beyond a fixed number of words.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache

from medsearch_core.reports.data_files import rows
from medsearch_core.reports.extracts.sentences import read_sentences
from medsearch_core.reports.text.phrases import Match, Matcher
from medsearch_core.reports.text.sections import Section
from medsearch_core.reports.text.words import Sentence, commas, fold

SIGNS = (
    "recommend", "suggest", "advis", "consider", "obtain", "follow", "repeat", "perform", "done", "request", "propose",
    "benefi", "help", "useful", "value", "valuable", "informative", "reasonable", "warrant", "indicated", "needed", "necessary",
    "require", "prefer", "favored", "evaluat", "assess", "characteri", "confirmed", "workup", "attention", "surveillance",
    "assist", "prove",
)  # fmt: skip
"""One of these stands, in lower case, in every report that recommends something."""

FOLLOW_UP = "follow-up imaging"
"""What is recommended where no kind of examination is named; gives way to one that is."""

MAX_LINKED = 4
"""How many examinations joined by "and" or "or" are taken together."""

TIMES = ("in", "after", "until", "per")
"""How a time begins."""

AHEAD_WORDS, BEHIND_WORDS, LINK_WORDS, WHEN_WORDS = 10, 15, 4, 14
"""How far a word that recommends may stand from the examination, one examination from the next, and one from its time."""

_SPELLED = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
NUMBERS = {word: i for i, word in enumerate(_SPELLED, 1)}
UNITS = {"day": "day", "week": "week", "wk": "week", "month": "month", "mo": "month", "year": "year", "yr": "year"}
_NUMBER = rf"(?:\d{{1,2}}|{'|'.join(NUMBERS)})"
TIME = re.compile(
    rf"(?<![\w.])(?P<least>{_NUMBER})(?:[ \t]{{0,2}}(?:-|\u2013|to|or)[ \t]{{0,2}}(?P<most>{_NUMBER}))?[\s-]{{1,3}}"
    r"(?P<unit>day|week|wk|month|mo|year|yr)s?\b(?![\s-]{1,2}(?:ago|old|prior|previous|earlier|before|history|of\s+age)\b)",
    re.IGNORECASE,
)
NOT_AHEAD = frozenset({"for", "over", "past", "last", "previous", "of", "since", "least"})
"""Words before a time that tell of the past: "stable for 2 years"."""


DIRECT = frozenset(map(fold, ("recommended", "advised")))
SINGLE_WORDS = frozenset({"body", "leading", "purpose"})
"""Kinds whose rows list words, each read by itself."""

NO_CUES: tuple[Match[tuple[str, str]], ...] = ()


@lru_cache
def _names() -> Matcher[str]:
    return Matcher((row["phrase"], row["name"]) for row in rows("recommendations.csv") if row["kind"] == "modality")


@lru_cache
def _cues() -> Matcher[tuple[str, str]]:
    """The phrases of all other kinds, with their kind and name."""
    kept = [row for row in rows("recommendations.csv") if row["kind"] not in {"modality", *SINGLE_WORDS}]
    return Matcher((row["phrase"], (row["kind"], row["name"])) for row in kept)


@lru_cache
def _words(kind: str) -> frozenset[str]:
    return frozenset(word for row in rows("recommendations.csv") if row["kind"] == kind for word in row["phrase"].split("/"))


def recommendations_of(text: str, sections: Sequence[Section]) -> list[str]:
    """The examinations that a report recommends, as `NAME` or `NAME WHEN`, in order of the text and without repeats."""
    lowered = text.lower()
    signs = [sign for sign in SIGNS if sign in lowered]
    if not signs and not any(section.name == "recommendation" for section in sections):
        return []
    found: dict[str, None] = {}
    for section in sections:
        is_all = section.name == "recommendation"
        if not (signs or is_all):
            continue
        for sentence in read_sentences(text, section, () if is_all else signs):
            if names := _names().find(sentence.words):
                found.update(dict.fromkeys(_Reading(text, sentence, names).recommendations(is_all=is_all)))
    timed = {one.split(f" {when} ")[0] for one in found for when in TIMES if f" {when} " in one}
    return [one for one in found if one not in timed]


class _Reading:
    """One sentence that names an examination."""

    def __init__(self, text: str, sentence: Sentence, names: list[Match[str]]) -> None:
        self._words, self._commas = sentence.words, commas(sentence, text)
        self._cues: dict[str, list[Match[tuple[str, str]]]] = defaultdict(list)
        for match in _cues().find_all(sentence.words):
            self._cues[match.value[0]].append(match)
        self._places = {kind: {i for m in found for i in range(m.first, m.last + 1)} for kind, found in self._cues.items()}
        self._done = {m.first for m in self._cues.get("done", NO_CUES)}
        self._denied = self._find_denied()
        self._asks, self._passives = self._valid("ask"), self._valid("passive")
        self._asked = {i for m in self._asks for i in range(m.first, m.last + 1)}
        named = [m for m in names if m.first not in self._denied and not self._is_context(m)]
        ends = {m.last for m in named}
        self._names = [m for m in named if m.value != FOLLOW_UP or m.first - 1 not in ends]
        self._firsts, self._lasts = [m.first for m in self._names], [m.last for m in self._names]
        self._times = self._find_times(text, sentence)
        self._time_firsts = [time[0] for time in self._times]

    def recommendations(self, *, is_all: bool) -> Iterator[str]:
        """What the sentence recommends; `is_all` in a section where everything named is recommended."""
        chosen = set(range(len(self._names))) if is_all else set()
        for ask in self._asks:
            chosen.update(self._ahead_of(ask.last, AHEAD_WORDS))
        for passive in self._passives:
            behind = self._behind(passive.first)
            is_direct = not behind and self._words[passive.first] in DIRECT
            chosen.update(self._ahead_of(passive.last, LINK_WORDS) if is_direct else behind)
        if not chosen and not self._done and "past" not in self._places:
            chosen.update(n for n, name in enumerate(self._names) if self._is_follow_up(name) and self._time_of(n))
        chosen = {self._specific(n) for n in chosen}
        is_specific = any(self._names[n].value != FOLLOW_UP for n in chosen)
        for n in sorted(chosen):
            name, time = self._names[n].value, self._time_of(n)
            if time or name != FOLLOW_UP or not is_specific:
                yield f"{name} {time}" if time else name

    def _find_denied(self) -> set[int]:
        """The words of denials and of what they deny, up to the end of the clause."""
        denied: set[int] = set()
        for match in self._cues.get("denial", NO_CUES):
            i = match.first
            while i < len(self._words) and (i <= match.last or not (i in self._commas or self._words[i] in ("but", "however"))):
                if i in denied and i > match.last:
                    break
                denied.add(i)
                i += 1
        return denied

    def _valid(self, kind: str) -> list[Match[tuple[str, str]]]:
        """The cues of a kind that are neither denied nor of the past."""
        past: set[int] = self._places.get("past", set())
        found = self._cues.get(kind, NO_CUES)
        return [m for m in found if m.first not in self._denied and past.isdisjoint(range(m.first, m.last + 1))]

    def _is_context(self, name: Match[str]) -> bool:
        """Whether an examination has been done, is old or only shows something: "the prior radiograph", "seen on CT"."""
        i, lowest = name.first - 1, name.first - AHEAD_WORDS
        while i >= max(lowest, 0) and self._words[i] in _words("leading") and i not in self._asked:
            i -= 1
        if i < 0 or i in self._asked:
            return False
        return i in self._places.get("context", ()) or name.last + 1 in self._done

    def _ahead_of(self, last: int, reach: int) -> list[int]:
        """The examinations that follow a word that recommends."""
        n = bisect_left(self._firsts, last + 1)
        if n == len(self._names) or self._firsts[n] - last > reach:
            return []
        chosen = [self._specific(n)]
        while len(chosen) < MAX_LINKED and self._is_linked(chosen[-1]):
            chosen.append(chosen[-1] + 1)
        return chosen

    def _is_linked(self, n: int) -> bool:
        """Whether an examination is joined to the next: "CT or PET/CT"."""
        if n < 0 or n + 1 >= len(self._names):
            return False
        between = range(self._lasts[n] + 1, self._firsts[n + 1])
        if len(between) > LINK_WORDS or any(self._words[i] in _words("purpose") for i in between):
            return False
        return any(i in self._places.get("link", ()) for i in between)

    def _behind(self, first: int) -> list[int]:
        """The examinations that a word behind them recommends: "CT or MRI is recommended"."""
        n = bisect_left(self._firsts, first) - 1
        if n < 0 or first - self._lasts[n] > BEHIND_WORDS:
            return []
        between = range(self._lasts[n] + 1, first)
        is_one = self._commas.isdisjoint([*between, first]) or all(self._words[i] in _words("body") for i in between)
        is_other = any(self._words[i] in ("clinical", "clinically", "correlation") or i in self._done for i in between)
        if not is_one or is_other:
            return []
        chosen = [n]
        while len(chosen) < MAX_LINKED and self._is_linked(chosen[-1] - 1):
            chosen.append(chosen[-1] - 1)
        return chosen

    def _is_follow_up(self, name: Match[str]) -> bool:
        return name.value == FOLLOW_UP or self._words[max(name.first - 1, 0)] in ("repeat", "followup", "up")

    def _specific(self, n: int) -> int:
        """The examination that a follow-up is to be made with, where the words after name one: "follow up with chest CT"."""
        if self._names[n].value != FOLLOW_UP or n + 1 == len(self._names):
            return n
        after = self._firsts[n + 1]
        between = range(self._lasts[n] + 1, after)
        is_near = len(between) <= LINK_WORDS and self._commas.isdisjoint([*between, after])
        is_one = is_near and not any(self._words[i] in _words("purpose") or self._words[i] in ("and", "or") for i in between)
        return n + 1 if is_one else n

    def _find_times(self, text: str, sentence: Sentence) -> list[tuple[int, bool, str]]:
        """The times that the sentence names: position of the first word, whether it is a number, and how it is told."""
        times = [(m.first, False, m.value[1]) for m in self._cues.get("interval", NO_CUES)]
        for match in TIME.finditer(text, sentence.begins[0], sentence.ends[-1]):
            first = bisect_left(sentence.begins, match.start())
            if not first or self._words[first - 1] not in NOT_AHEAD:
                times.append((first, True, _interval(match)))
        return sorted(times)

    def _time_of(self, n: int) -> str | None:
        """When an examination is to be made: a number of weeks rather than an event, after it rather than before."""
        name, end = self._names[n], self._lasts[n] + WHEN_WORDS
        if n + 1 < len(self._names) and not self._is_linked(n):
            end = min(end, self._firsts[n + 1])
        low, high = (bisect_left(self._time_firsts, i) for i in (name.first - LINK_WORDS, end))
        near = self._times[low:high]
        return min(near, key=lambda time: (not time[1], time[0] < name.first))[2] if near else None


def _interval(match: re.Match[str]) -> str:
    least, most = (_number(match[name]) for name in ("least", "most"))
    unit = UNITS[match["unit"].lower()]
    if most and least and most > least:
        return f"in {least}-{most} {unit}s"
    return f"in {least} {unit}{'' if least == 1 else 's'}"


def _number(word: str | None) -> int | None:
    return None if word is None else NUMBERS.get(word.lower()) or int(word)
