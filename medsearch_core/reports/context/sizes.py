"""Measurements bound to what they are of: how large a finding is and was, and how far above the carina a tube ends.

Belongs here: which finding of a sentence a length is of, and whether it is one of a finding at all; `sizes.csv` holds the words
that decide. A length belongs to the noun phrase that it opens ("8 mm right upper lobe nodule"), otherwise to the last finding
before it ("nodule in the lingula, 8 mm"; "mass measures 3 cm"), but not across words that begin another noun phrase ("effusion
and 8 mm focus"). A distance ("2 cm from the pleura"), a thickness of slices and a movement of a tube are no sizes.

Of a range the bound that matters is kept: the larger of "4-6 mm", 9 of "up to 9 mm", 4 of "less than 4 mm" and of "> 4 mm", and
of a tube's distance the smaller. Diameters are the largest one, as in RECIST 1.1 (Eisenhauer et al. 2009). A size is said of a
mention whatever its assertion: who reads "no nodule larger than 4 mm" must leave out the size of what is absent.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from medsearch_core.reports.context.measurements import UNITS, Measurement, find_measurements
from medsearch_core.reports.data_files import rows
from medsearch_core.reports.text.phrases import Match, Matcher, Sentence

TRIGGERS = UNITS | {"carina", "carinal", "bifurcation"}
"""Folded words, one of which stands in every sentence that tells a size or a distance from the carina."""

AHEAD_WORDS, BACK_WORDS, TARGET_WORDS = 10, 25, 14
"""How far from a length its finding may stand, and how far before a distance the words that make it a wish."""

HARD = frozenset(",;:()[]")
"""Punctuation that ends the phrase around a length."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a sentence measures of one mention, in mm; None where it does not. Below the carina is negative."""

    size_mm: float | None = None
    prior_size_mm: float | None = None
    above_carina_mm: float | None = None


NO_SIZES = Sizes()


def sizes_of(text: str, sentence: Sentence, mentions: Sequence[Match[Any]], following: Sentence | None = None) -> list[Sizes]:
    """The sizes of each mention, in the order given, with what the sentence after says of the last one.

    The mentions are those of the sentence in order, the phrases that mean no concept among them; `value.category` and
    `value.name` are read. The sentence after counts where it only goes on: "It measures 8 mm.", "The tip is 4 cm above the carina."
    """
    sizes = [NO_SIZES] * len(mentions)
    if not mentions:
        return sizes
    if not TRIGGERS.isdisjoint(sentence.words):
        sizes = _Reading(text, sentence, mentions).sizes()
    if following is not None and not TRIGGERS.isdisjoint(following.words):
        _go_on(text, following, mentions, sizes)
    return sizes


@lru_cache
def _matcher() -> Matcher[str]:
    return Matcher((row["phrase"], row["kind"]) for row in rows("sizes.csv") if row["kind"] != "tube")


@lru_cache
def _tubes() -> frozenset[str]:
    return frozenset(name for row in rows("sizes.csv") if row["kind"] == "tube" for name in row["phrase"].split("/"))


def _go_on(text: str, following: Sentence, mentions: Sequence[Match[Any]], sizes: list[Sizes]) -> None:
    """Adds what the sentence after says of the last finding or tube, where its subject is nothing else."""
    for is_tube in (False, True):
        last = next(
            (i for i in reversed(range(len(mentions))) if _is_tube(mentions[i]) == is_tube and _is_sized(mentions[i])), None
        )
        if last is None or sizes[last] != NO_SIZES:
            continue
        before = Match((-1,), mentions[last].value)
        reading = _Reading(text, following, [before])
        if reading.is_continued("tip" if is_tube else "pronoun"):
            sizes[last] = reading.sizes()[0]


def _is_tube(mention: Match[Any]) -> bool:
    return mention.value.category == "device" and mention.value.name in _tubes()


def _is_sized(mention: Match[Any]) -> bool:
    """Whether a mention can have a size or a place: a symptom and a device that is no tube have neither."""
    return mention.value.category not in ("symptom", "device", "") or _is_tube(mention)


def _by_time(told: dict[str, list[float]]) -> tuple[float | None, float | None]:
    """The size now and before: where one is said to be of now, the others of a mention are of before; so is what "was"."""
    is_compared = bool(told["now"] or told["present"])
    prior = told["prior"] + (told["past"] if is_compared else []) + (told["plain"] if told["now"] else [])
    now = told["now"] or told["from"] + told["present"] + told["plain"] + ([] if is_compared else told["past"])
    return max(now, default=None), max(prior, default=None)


class _Reading:
    """One sentence with lengths: its words by kind, and which mention each length is of."""

    def __init__(self, text: str, sentence: Sentence, mentions: Sequence[Match[Any]]) -> None:
        self._words, self._mentions = sentence.words, mentions
        self._gaps = ["", *(text[e:b] for e, b in zip(sentence.ends, sentence.begins[1:], strict=False)), ""]
        self._lengths = find_measurements(text, sentence)
        self._starts: dict[str, dict[int, int]] = defaultdict(dict)
        self._ends: dict[str, dict[int, int]] = defaultdict(dict)
        for cue in _matcher().find_all(sentence.words):
            kind = cue.value
            self._starts[kind][cue.first] = max(cue.last, self._starts[kind].get(cue.first, 0))
            self._ends[kind][cue.last] = min(cue.first, self._ends[kind].get(cue.last, cue.first))
        self._lasts = [m.last for m in mentions]
        self._tubes = [n for n, m in enumerate(mentions) if _is_tube(m)]
        self._measured = {i for m in self._lengths for i in range(m.first, m.last + 1)}
        self._bound: dict[int, int | None] = {}
        self._inside = {i: n for n, m in enumerate(mentions) for i in range(m.first, m.last + 1)}

    def is_continued(self, subject: str) -> bool:
        """Whether the first length or place has no subject but a word that points back: "it", "the largest", "the tip"."""
        first = min((m.first for m in self._lengths), default=len(self._words))
        allowed = (
            ["tip", "filler", "pronoun", "verb", "now"]
            if subject == "tip"
            else ["pronoun", "noun", "filler", "verb", "now", "past", "measure", "place", "end"]
        )
        first = min([first, *self._starts["at"]]) if subject == "tip" else first
        has_subject = any(i in self._starts[subject] for i in range(first)) or 0 in self._starts["measure"]
        return has_subject and first < len(self._words) and all(self._is_any(i, *allowed) for i in range(first))

    def sizes(self) -> list[Sizes]:
        """The sizes of each mention."""
        told: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        bound: int | None = None
        for n in reversed(range(len(self._lengths))):
            self._bound[n] = self._of(n)
        for n, length in enumerate(self._lengths):
            kinds = self._before(length)
            if not self._is_size(length, kinds):
                continue
            tense, target = self._tense(n, kinds), self._bound[n]
            if target is None and tense == "prior" and not self._is_opening(length):
                target = bound
            if target is None or self._mentions[target].value.category == "device" or not _is_sized(self._mentions[target]):
                continue
            bound = target
            values = list(length.values)
            if tense == "from" and len(values) > 1:
                told[target]["prior"].append(values.pop(0))
            told[target][tense].extend(values)
        above = self._above_carina()
        return [Sizes(*_by_time(told[n]), above.get(n)) for n in range(len(self._mentions))]

    def _is_any(self, i: int, *kinds: str) -> bool:
        return any(start <= i <= last for kind in kinds for start, last in self._near(kind, i))

    def _near(self, kind: str, i: int) -> list[tuple[int, int]]:
        starts = self._starts[kind]
        return [(start, starts[start]) for start in range(max(i - 5, 0), i + 1) if start in starts]

    def _is_broken(self, i: int) -> bool:
        """Whether punctuation stands before word `i`."""
        return not HARD.isdisjoint(self._gaps[i])

    def _before(self, length: Measurement) -> set[str]:
        """What the words directly before a length say of it: the kinds of the cues there, past words without weight."""
        kinds: set[str] = set()
        i = length.first
        while i > 0 and (not self._is_broken(i) or self._words[i - 1] in ("previously", "formerly", "now", "currently")):
            at = next(
                (
                    k
                    for k in ("prior", "now", "measure", "past", "verb", "other", "other before", "filler")
                    if i - 1 in self._ends[k]
                ),
                None,
            )
            if at is None or i - 1 in self._inside:
                break
            kinds.add(at)
            if self._words[i - 1] == "from":
                kinds.add("from")
            i = self._ends[at][i - 1]
        return kinds

    def _past_dimension(self, i: int) -> int:
        return i if self._is_broken(i) else self._starts["dimension"].get(i, i - 1) + 1

    def _is_size(self, length: Measurement, kinds: set[str]) -> bool:
        """Whether a length is the size of something, neither a distance nor a thickness of slices nor a movement."""
        if kinds & {"other", "other before"}:
            return False
        i = length.last + 1
        if i in self._starts["above"] or i in self._starts["below"]:
            return False
        if i in self._starts["distance"] and not self._is_broken(i) and kinds.isdisjoint(("measure", "past")):
            return False
        i = self._past_dimension(i)
        for j in range(i, min(i + 5, len(self._words))):
            if j in self._starts["never"]:
                return False
            if self._is_broken(j) or j in self._inside:
                break
            if j in self._starts["other"] or j in self._starts["other after"]:
                return False
            if self._is_stop(j) and not (j == i and self._words[j] == "of"):
                break
        return True

    def _tense(self, n: int, kinds: set[str]) -> str:
        length, following = self._lengths[n], self._lengths[n + 1] if n + 1 < len(self._lengths) else None
        if "now" in kinds or "prior" in kinds:
            return "now" if "now" in kinds else "prior"
        i = self._past_dimension(length.last + 1)
        if i in self._starts["prior after"] and self._gaps[i].strip(" \t\n(") in ("", ","):
            after = self._starts["prior after"][i] + 1
            while (
                following
                and after < following.first
                and not self._is_broken(after)
                and self._is_any(after, "filler", "measure", "past")
            ):
                after += 1
            if not (following and after == following.first and not self._is_broken(after)):
                return "prior"
        if "from" in kinds and self._starts["growth"]:
            if len(length.values) > 1:
                return "from"
            if following and self._words[following.first - 1] == "to" and not self._has_mention(length.last, following.first):
                return "prior"
            return "present"
        return "past" if "past" in kinds else "present" if kinds & {"measure", "verb"} else "plain"

    def _has_mention(self, low: int, high: int) -> bool:
        return any(i in self._inside for i in range(low + 1, high))

    def _of(self, n: int) -> int | None:
        """The mention that a length is of, where that of the next length is known."""
        length = self._lengths[n]
        if length.first in self._inside:
            return self._inside[length.first]
        ahead = self._ahead(length.last)
        if ahead is not None:
            return ahead
        if n + 1 < len(self._lengths) and self._is_listed(length, self._lengths[n + 1]):
            following = self._bound[n + 1]
            if following is not None and self._mentions[following].first > length.last:
                return following
        if self._is_opening(length) and not self._is_place_only(length.last + 1):
            return None
        return self._behind(length.first)

    def _is_listed(self, length: Measurement, following: Measurement) -> bool:
        return all(self._words[i] in ("and", "or", "to", "x", "by", "a", "an") for i in range(length.last + 1, following.first))

    def _is_stop(self, i: int) -> bool:
        return i in self._starts["joint"] or i in self._starts["end"]

    def _ahead(self, last: int) -> int | None:
        """The mention whose noun phrase a length opens."""
        i = self._past_dimension(last + 1)
        if i < len(self._words) and self._words[i] == "of":
            i += 1
        if i < len(self._words) and self._is_broken(i) and not self._is_adjective_list(i):
            return None
        for j in range(i, min(i + AHEAD_WORDS, len(self._words))):
            if j in self._inside:
                return self._inside[j]
            if self._is_stop(j) or (j > i and not HARD.isdisjoint(self._gaps[j].replace(",", ""))):
                return None
        return None

    def _is_adjective_list(self, i: int) -> bool:
        """Whether a comma after a length goes on to a finding that nothing before it could be: "22 x 14 mm, calcified nodule"."""
        return self._gaps[i].strip() == "," and not (self._lasts and self._lasts[0] < i)

    def _is_opening(self, length: Measurement) -> bool:
        """Whether a noun phrase goes on after a length: "8 mm focus", not "8 mm in diameter" or "8 mm, calcified"."""
        i = length.last + 1
        if i >= len(self._words) or self._is_broken(i) or self._gaps[i].strip(" \t\r\n-"):
            return False
        return not (self._is_stop(i) or i in self._starts["dimension"] or i in self._starts["prior after"])

    def _is_place_only(self, first: int) -> bool:
        for i in range(first, min(first + AHEAD_WORDS, len(self._words))):
            if self._is_broken(i):
                break
            if not self._is_any(i, "place"):
                return self._is_stop(i)
        return True

    def _behind(self, first: int) -> int | None:
        """The mention before a length, unless another noun phrase begins between the two."""
        n = bisect_left(self._lasts, first) - 1
        if n < 0 or first - self._lasts[n] > BACK_WORDS:
            return None
        is_joined = False
        for i in range(self._mentions[n].last + 1, first):
            if i in self._starts["joint"]:
                is_joined = True
            elif is_joined and not self._is_any(
                i, "place", "part", "filler", "measure", "past", "verb", "now", "prior", "growth"
            ):
                if i not in self._measured:
                    return None
            elif self._words[i] in ("node", "cyst", "focus", "collection") and not self._is_any(i - 1, "measure"):
                return None
        return n

    def _above_carina(self) -> dict[int, float]:
        """The distance of each tube's tip above the carina."""
        found: dict[int, float] = {}
        for kind, sign in (("above", 1.0), ("below", -1.0)):
            for length in self._lengths:
                i = length.last + 1
                if i in self._starts[kind] and not self._is_wish(length.first):
                    tube = self._tube(length.first, is_ahead_too=True)
                    if tube is not None:
                        found.setdefault(tube, sign * min(length.values))
        for first in self._starts["at"]:
            tube = None if self._is_wish(first) else self._tube(first, is_ahead_too=False)
            if tube is not None:
                found.setdefault(tube, 0.0)
        return found

    def _tube(self, i: int, *, is_ahead_too: bool) -> int | None:
        """The tube whose tip a place at word `i` is of: the last one before it, or the next."""
        if not is_ahead_too:
            n = bisect_left(self._lasts, i) - 1
            return n if n >= 0 and _is_tube(self._mentions[n]) else None
        at = bisect_left(self._tubes, bisect_left(self._lasts, i))
        return self._tubes[at - 1] if at else self._tubes[0] if self._tubes else None

    def _is_wish(self, i: int) -> bool:
        """Whether a distance is where a tip ought to be: "advance it to 4 cm above the carina"."""
        for j in range(i - 1, max(i - TARGET_WORDS, -1), -1):
            if j in self._starts["target"]:
                return True
            if self._is_broken(j + 1) or self._words[j] in ("as", "since", "because", "and"):
                return False
        return False
