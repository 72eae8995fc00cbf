"""Measurements bound to what they are of: how large a finding is and was, and how far above the carina a tube ends.

Belongs here: which finding of a sentence a length is of, and whether it is one of a finding at all; the words that decide are
read by `measured_words`. A length belongs to the noun phrase that it opens ("8 mm right upper lobe nodule"), otherwise to the
last finding before it ("nodule in the lingula, 8 mm"; "mass measures 3 cm"), but not across words that begin another noun
phrase ("effusion and 8 mm focus"). A distance ("2 cm from the pleura"), a thickness of slices and a movement of a tube are no
sizes.

Of a range the bound that matters is kept: the larger of "4-6 mm", 9 of "up to 9 mm", 4 of "less than 4 mm" and of "> 4 mm", and
of a tube's distance the smaller. Diameters are the largest one, as in RECIST 1.1 (Eisenhauer et al. 2009). A size is said of a
mention whatever its assertion: who reads "no nodule larger than 4 mm" must leave out the size of what is absent.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from medsearch_core.reports.context.measured_words import AHEAD_WORDS, MeasuredSentence, tubes
from medsearch_core.reports.context.measurements import UNITS
from medsearch_core.reports.text.phrases import Match
from medsearch_core.reports.text.units import Unit
from medsearch_core.reports.text.words import Sentence

TRIGGERS = UNITS | {"carina", "carinal", "bifurcation"}
"""Folded words, one of which stands in every sentence that tells a size or a distance from the carina."""

BACK_WORDS = 25
"""How far before a length its finding may end."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a sentence measures of one mention, in mm; None where it does not. Below the carina is negative."""

    size_mm: float | None = None
    prior_size_mm: float | None = None
    above_carina_mm: float | None = None


NO_SIZES = Sizes()


def sizes_of(unit: Unit, mentions: Sequence[Match[Any]], following: Unit | None = None) -> list[Sizes]:
    """The sizes of each mention, in the order given, with what the unit after says of the last one.

    The mentions are those of the unit in order, the phrases that mean no concept among them; `value.category` and
    `value.name` are read. The unit after counts where it only goes on: "It measures 8 mm", "The tip is at the carina".
    """
    sizes = [NO_SIZES] * len(mentions)
    if not mentions:
        return sizes
    if has_lengths(unit):
        sizes = _Reading(unit.text, unit.sentence, mentions).sizes()
    if following is not None and has_lengths(following):
        _go_on(following, mentions, sizes)
    return sizes


def has_lengths(unit: Unit) -> bool:
    """Whether a unit may tell a size or a distance from the carina."""
    return not TRIGGERS.isdisjoint(unit.words)


def _go_on(following: Unit, mentions: Sequence[Match[Any]], sizes: list[Sizes]) -> None:
    """Adds what the sentence after says of the last finding or tube, where its subject is nothing else."""
    for is_tube in (False, True):
        last = next(
            (i for i in reversed(range(len(mentions))) if _is_tube(mentions[i]) == is_tube and _is_sized(mentions[i])), None
        )
        if last is None or sizes[last] != NO_SIZES:
            continue
        before = Match((-1,), mentions[last].value)
        reading = _Reading(following.text, following.sentence, [before])
        if reading.is_continued("tip" if is_tube else "pronoun"):
            sizes[last] = reading.sizes()[0]


def _is_tube(mention: Match[Any]) -> bool:
    return mention.value.category == "device" and mention.value.name in tubes()


def _is_sized(mention: Match[Any]) -> bool:
    """Whether a mention can have a size or a place: a symptom and a device that is no tube have neither."""
    return mention.value.category not in ("symptom", "device", "") or _is_tube(mention)


def _by_time(told: dict[str, list[float]]) -> tuple[float | None, float | None]:
    """The size now and before: where one is said to be of now, the others of a mention are of before; so is what "was"."""
    is_compared = bool(told["now"] or told["present"] or told["plain"])
    prior = told["prior"] + (told["past"] if is_compared else []) + (told["plain"] if told["now"] else [])
    now = told["now"] or told["from"] + told["present"] + told["plain"] + ([] if is_compared else told["past"])
    return max(now, default=None), max(prior, default=None)


class _Reading(MeasuredSentence):
    """Which mention each length of a sentence is of."""

    def __init__(self, text: str, sentence: Sentence, mentions: Sequence[Match[Any]]) -> None:
        super().__init__(text, sentence, mentions)
        self._lasts = [m.last for m in mentions]
        self._tubes = [n for n, m in enumerate(mentions) if _is_tube(m)]
        self._measured = {i for m in self.lengths for i in range(m.first, m.last + 1)}
        self._bound: dict[int, int | None] = {}

    def sizes(self) -> list[Sizes]:
        """The sizes of each mention."""
        told: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        bound: int | None = None
        for n in reversed(range(len(self.lengths))):
            self._bound[n] = self._of(n)
        for n, length in enumerate(self.lengths):
            kinds = self.before(length)
            if not self.is_size(length, kinds):
                continue
            tense, target = self.tense(n, kinds), self._bound[n]
            if target is None and tense == "prior" and not self.is_opening(length):
                target = bound
            if target is None or self.mentions[target].value.category == "device" or not _is_sized(self.mentions[target]):
                continue
            bound = target
            values = list(length.values)
            if tense == "from" and len(values) > 1:
                told[target]["prior"].append(values.pop(0))
            told[target][tense].extend(values)
        above = self._above_carina()
        return [Sizes(*_by_time(told[n]), above.get(n)) for n in range(len(self.mentions))]

    def _of(self, n: int) -> int | None:
        """The mention that a length is of, where that of the next length is known."""
        length = self.lengths[n]
        if length.first in self.inside:
            return self.inside[length.first]
        ahead = self._ahead(length.last)
        if ahead is not None:
            return ahead
        if n + 1 < len(self.lengths) and self.is_listed(length, self.lengths[n + 1]):
            following = self._bound[n + 1]
            if following is not None and self.mentions[following].first > length.last:
                return following
        if self.is_opening(length) and not self.is_place_only(length.last + 1):
            return None
        return self._behind(length.first)

    def _ahead(self, last: int) -> int | None:
        """The mention whose noun phrase a length opens."""
        i = self.past_dimension(last + 1)
        if i < len(self.words) and self.words[i] == "of":
            i += 1
        if i < len(self.words) and self.is_broken(i) and not self.is_adjective_list(i):
            return None
        for j in range(i, min(i + AHEAD_WORDS, len(self.words))):
            if j in self.inside:
                return self.inside[j]
            if self.is_stop(j) or (j > i and self.is_broken(j, but=",")):
                return None
        return None

    def _behind(self, first: int) -> int | None:
        """The mention before a length, unless another noun phrase begins between the two."""
        n = bisect_left(self._lasts, first) - 1
        if n < 0 or first - self._lasts[n] > BACK_WORDS:
            return None
        is_joined = False
        for i in range(self.mentions[n].last + 1, first):
            if i in self.starts["joint"]:
                is_joined = True
            elif is_joined and not self.is_any(
                i, "place", "part", "filler", "measure", "past", "verb", "now", "prior", "growth"
            ):
                if i not in self._measured:
                    return None
            elif self.words[i] in ("node", "cyst", "focus", "collection") and not self.is_any(i - 1, "measure"):
                return None
        return n

    def _above_carina(self) -> dict[int, float]:
        """The distance of each tube's tip above the carina."""
        found: dict[int, float] = {}
        for kind, sign in (("above", 1.0), ("below", -1.0)):
            for length in self.lengths:
                i = length.last + 1
                if i in self.starts[kind] and not self.is_wish(length.first):
                    tube = self._tube(length.first, is_ahead_too=True)
                    if tube is not None:
                        found.setdefault(tube, sign * min(length.values))
        for first in self.starts["at"]:
            tube = None if self.is_wish(first) else self._tube(first, is_ahead_too=False)
            if tube is not None:
                found.setdefault(tube, 0.0)
        return found

    def _tube(self, i: int, *, is_ahead_too: bool) -> int | None:
        """The tube whose tip a place at word `i` is of: the last one before it, or the next."""
        if not is_ahead_too:
            n = bisect_left(self._lasts, i) - 1
            return n if n >= 0 and _is_tube(self.mentions[n]) else None
        at = bisect_left(self._tubes, bisect_left(self._lasts, i))
        return self._tubes[at - 1] if at else self._tubes[0] if self._tubes else None
