"""What the words around a mention say of it: how severe, how changed, on which side and where.

Belongs here: which words count (`qualifiers.csv`, one attribute or more a phrase) and how near a mention they have to stand.
Words inside a mention come first ("the heart is mildly enlarged"), then those before it, nearest first, then those after it.
Neither way goes past another mention, past "and", "or" or "but", or, where another mention follows, into its noun phrase:
"left effusion and right atelectasis", "effusion, small pneumothorax".
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import Any

from medsearch_core.reports.data_files import rows, word_list
from medsearch_core.reports.text.phrases import Match, Matcher
from medsearch_core.reports.text.units import Unit, read_units
from medsearch_core.reports.text.words import ONE_SIDE

BEFORE_WORDS, AFTER_WORDS = 6, 9
"""How far from a mention a qualifier may begin."""

STOPS = frozenset({"and", "or", "but", "with", "without", "however", "although", "which", "while", "versus", "vs", "than"})

SIDES = frozenset({"left", "right"})

PARTICIPLES = frozenset({"increased", "decreased", "diminished"})
"""Words of a change that say what something is like: "mildly increased markings"."""

OF = frozenset({"in", "of"})

NORMAL = word_list("normal") | {"expanded"}
ORDINALS = frozenset({"st", "nd", "rd", "th"})

POSITION = re.compile(
    r"""\b(?:(?:with\s+)?(?:(?:the|its|distal)\s+)*tips?\b|malposition\w*|terminat\w+|project\w*|overl(?:y|ies|ying)\b|coiled\b|coil\b
    |(?:is|are|remains?|lies?|located|positioned|seen|ends?|ending|courses?|coursing|extends?|extending|in)\s+
     (?:(?:a|an|the|good|satisfactory|standard|appropriate|adequate|acceptable|unchanged|stable|expected|similar|normal|too|in|at|over|within
        |below|above|into|to|near)\s+)*
     (?:position|place|high|low|svc|superior|right|left|cavoatrial|carina|stomach|diaphragm|atrium|ventricle|esophagus|mid|proximal|distal)\b
    |in\s+(?:place|situ|position)\b|\d+(?:\.\d+)?\s*cm\s+(?:above|below|from)\b|(?:above|below)\s+the\s+(?:carina|diaphragm)\b)""",
    re.IGNORECASE | re.VERBOSE,
)
"""How a statement of a device's position begins."""


@dataclass(frozen=True, slots=True)
class Qualifiers:
    """What is said of one mention; None where nothing is."""

    severity: str | None = None
    change: str | None = None
    laterality: str | None = None
    anatomy: str | None = None


NO_QUALIFIERS = Qualifiers()


@lru_cache
def _matcher() -> Matcher[Qualifiers]:
    names = ("severity", "change", "laterality", "anatomy")
    return Matcher((row["phrase"], Qualifiers(*(row[name] or None for name in names))) for row in rows("qualifiers.csv"))


def _is_of_change(words: Sequence[str], found: Match[Qualifiers], following: Match[Qualifiers] | None) -> bool:
    """Whether how much is said of a change and not of the finding: "slightly larger", "mild increase in"."""
    if following is None or not found.value.severity or following.value.change not in ("worse", "better"):
        return False
    between = words[found.last + 1 : following.first]
    if len(between) > 1 or (between and between[0] != "interval"):
        return False
    is_adverb = words[found.last].endswith("ly") and words[following.first] not in PARTICIPLES
    return is_adverb or not OF.isdisjoint(words[following.last : following.last + 2])


class Surroundings:
    """The qualifiers of one sentence, asked once per mention in it; `found` are all of them."""

    def __init__(self, unit: Unit, mentions: Iterable[Match[Any]]) -> None:
        self._words = unit.words
        self.found = _matcher().find(unit.words)
        if len(self.found) > 1 and any(found.value.severity for found in self.found):
            pairs = zip_longest(self.found, self.found[1:])
            self.found = [found for found, following in pairs if not _is_of_change(unit.words, found, following)]
        self._firsts = [qualifier.first for qualifier in self.found]
        spans = sorted((m.first, m.last) for m in mentions)
        self._begins, self._ends = [first for first, _ in spans], sorted(last for _, last in spans)
        self._commas = unit.commas

    def of(self, mention: Match[Any], *, is_before_only: bool = False, is_outside_only: bool = False) -> Qualifiers:
        """What the sentence says of a mention, or only what it says in and before it, or outside its own words."""
        if not self.found:
            return NO_QUALIFIERS
        said: list[str | None] = [None, None, None, None]
        for qualifier in self._in_order(mention):
            if is_before_only and qualifier.first > mention.last:
                continue
            if is_outside_only and not set(qualifier.words).isdisjoint(mention.words):
                continue
            told = qualifier.value
            for i, value in enumerate((told.severity, told.change, told.laterality, told.anatomy)):
                if value and said[i] is None:
                    said[i] = value
                elif i == 2 and value in SIDES and said[i] in SIDES and value != said[i] and self._is_joined(qualifier):
                    said[i] = "bilateral"
        return Qualifiers(*said)

    def _in_order(self, mention: Match[Any]) -> Iterator[Match[Qualifiers]]:
        low, high = self.reach(mention)
        near = self.found[bisect_left(self._firsts, low) : bisect_right(self._firsts, high)]
        own: list[Match[Qualifiers]] = []
        free: list[Match[Qualifiers]] = []
        for qualifier in near:
            (free if set(qualifier.words).isdisjoint(mention.words) else own).append(qualifier)
        yield from (q for q in free if mention.first < q.first < mention.last)
        yield from (q for q in reversed(free) if q.last < mention.first)
        yield from (q for q in free if mention.last < q.first and q.last <= high)
        yield from own

    def reach(self, mention: Match[Any]) -> tuple[int, int]:
        """The first and last word that may speak of a mention, its own among them."""
        low, high = self._farthest_before(mention), min(mention.last + AFTER_WORDS, len(self._words) - 1)
        earlier = bisect_left(self._ends, mention.first)
        if earlier:
            between = range(self._ends[earlier - 1] + 1, mention.first + 1)
            low = max(low, between.start, *(i for i in between if i in self._commas))
        later = bisect_right(self._begins, mention.last)
        if later < len(self._begins) and self._begins[later] <= high:
            high = self._before(mention.last, self._begins[later])
        for i in range(mention.first - 1, low - 1, -1):
            if self._words[i] in STOPS and not self._joins_sides(i) and (earlier or not self._joins_places(i)):
                low = i + 1
                break
        for i in range(mention.last + 1, high + 1):
            if self._is_of_normal_side(i) or (self._words[i] in STOPS and not self._joins_sides(i)):
                high = i - 1
                break
        return low, high

    def _is_of_normal_side(self, i: int) -> bool:
        """Whether a side after a comma is said to be normal: "right effusion, left lung clear"."""
        return i in self._commas and self._words[i] in ONE_SIDE and not NORMAL.isdisjoint(self._words[i + 1 : i + 5])

    def _farthest_before(self, mention: Match[Any]) -> int:
        """How far back words may speak of a mention; the numbers of "left 5th, 6th and 7th ribs" do not count."""
        low, counted = mention.first, 0
        while low > 0 and counted < BEFORE_WORDS:
            low -= 1
            counted += not (self._words[low].isdigit() or self._words[low] in ORDINALS)
        return low

    def _before(self, last: int, following: int) -> int:
        """The last word that may speak of a mention that ends at `last`, where another one begins at `following`."""
        for i in range(following, last, -1):
            if self._words[i] in STOPS or i in self._commas:
                return i - 1
        return last

    def _joins_sides(self, i: int) -> bool:
        """Whether a stop goes on about the same finding: "right and left", "larger than left", "6th and 7th ribs"."""
        word, following = self._words[i], self._words[i + 1 : i + 4]
        if word == "than":
            return not SIDES.isdisjoint(following)
        if word == "and" and following and following[0].isdigit() and self._words[i - 1] in ORDINALS:
            return True
        return word in ("and", "or") and SIDES.issubset(self._words[max(i - 2, 0) : i + 3])

    def _joins_places(self, i: int) -> bool:
        """Whether "and" stands between two places, both of what follows: "right middle lobe and lingular atelectasis"."""
        if self._words[i] != "and":
            return False
        near = self.found[bisect_left(self._firsts, i - 4) : bisect_right(self._firsts, i + 1)]
        near = [qualifier for qualifier in near if qualifier.value.laterality]
        return any(q.last == i - 1 for q in near) and any(q.first == i + 1 for q in near)

    def _is_joined(self, qualifier: Match[Qualifiers]) -> bool:
        near = range(max(qualifier.first - 3, 0), min(qualifier.last + 3, len(self._words)))
        return any(self._joins_sides(i) or self._joins_places(i) for i in near)


def qualifiers_of(words: str) -> Qualifiers:
    """What these words say, whatever they stand beside; the first of each kind counts."""
    said: list[str | None] = [None, None, None, None]
    for _, unit in read_units(words, 0, len(words)):
        for found in _matcher().find(unit.words):
            told = found.value
            said = [a or b for a, b in zip(said, (told.severity, told.change, told.laterality, told.anatomy), strict=True)]
    return Qualifiers(*said)


def position_statement(text: str, begin: int, stop: int, starts: Sequence[int]) -> str | None:
    """The words after a device that say where it lies, up to the end of its sentence or the next device; None without any."""
    following = bisect_right(starts, begin)
    end = min(stop, starts[following]) if following < len(starts) else stop
    match = POSITION.search(text, begin, end)
    if match and end < stop and (joint := max(text.rfind(",", match.end(), end), text.rfind(" and ", match.end(), end))) > 0:
        end = joint
    return " ".join(text[match.start() : end].split()).rstrip(" .,;:") if match else None
