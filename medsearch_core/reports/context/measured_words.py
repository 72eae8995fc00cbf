"""The words around the lengths of a sentence: what they say of each.

Belongs here: the kinds of words in `sizes.csv` and what they mean beside a length. Before it, over `filler` words: `measure`,
`verb`, `now`, `past` and `prior` tell when it was so; `other` and `other before` that it is no size. After it: `dimension`
words go with it; `distance` ("from the pleura"), `other` and `other after` ("slice thickness", "larger") make it no size, and
`never` does even inside a finding; `prior after` tells of an earlier examination. `joint` and `end` words end the noun phrase
that a length opens. `place`, `part`, `noun` and `pronoun` words name no finding of their own, `growth` words say that a size
has changed. `above`, `below` and `at` are places about the carina, `target` words make one a wish, `tip` words go on about a
tube, and `tube` lists the devices that have a tip.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from medsearch_core.reports.context.measurements import Measurement, find_measurements
from medsearch_core.reports.data_files import rows
from medsearch_core.reports.text.phrases import Match, Matcher
from medsearch_core.reports.text.words import Sentence

AHEAD_WORDS, AFTER_WORDS, TARGET_WORDS = 10, 5, 14
"""How far after a length its finding may stand, or what makes it no size; how far before a distance what makes it a wish."""

PHRASE_WORDS = 6
"""Words of the longest phrase whose inner words count by themselves."""

HARD = frozenset(",;:()[]")
"""Punctuation that ends the phrase around a length."""

ADVERBS = frozenset({"previously", "formerly", "now", "currently"})
"""Words before a length that a comma may part from it."""

YEAR = re.compile(r"(?:19|20)\d\d")

KINDS_BEFORE = ("prior", "now", "measure", "past", "verb", "other", "other before", "filler")
"""The kinds that are read before a length; the first of them that ends there counts."""

SUBJECTS = {
    "tip": ("tip", "filler", "pronoun", "verb", "now"),
    "pronoun": ("pronoun", "noun", "filler", "verb", "now", "past", "measure", "place", "end"),
}
"""Kinds of the words with which a sentence goes on about a tube or a finding of the sentence before."""


@lru_cache
def _matcher() -> Matcher[str]:
    return Matcher((row["phrase"], row["kind"]) for row in rows("sizes.csv") if row["kind"] != "tube")


@lru_cache
def tubes() -> frozenset[str]:
    """The concepts that have a tip."""
    return frozenset(name for row in rows("sizes.csv") if row["kind"] == "tube" for name in row["phrase"].split("/"))


class MeasuredSentence:
    """A sentence with lengths and its mentions: its words by kind."""

    def __init__(self, text: str, sentence: Sentence, mentions: Sequence[Match[Any]]) -> None:
        self.words, self.mentions = sentence.words, mentions
        self.lengths = find_measurements(text, sentence)
        self.starts: dict[str, dict[int, int]] = defaultdict(dict)
        self.ends: dict[str, dict[int, int]] = defaultdict(dict)
        for cue in _matcher().find_all(sentence.words):
            kind = cue.value
            self.starts[kind][cue.first] = max(cue.last, self.starts[kind].get(cue.first, 0))
            self.ends[kind][cue.last] = min(cue.first, self.ends[kind].get(cue.last, cue.first))
        self.inside = {i: n for n, m in enumerate(mentions) for i in range(m.first, m.last + 1)}
        self._gaps = ["", *(text[e:b] for e, b in zip(sentence.ends, sentence.begins[1:], strict=False)), ""]

    def is_continued(self, subject: str) -> bool:
        """Whether the first length or place has no subject but a word that points back: "it", "the largest", "the tip"."""
        places = [length.first for length in self.lengths] + (list(self.starts["at"]) if subject == "tip" else [])
        first = min(places, default=len(self.words))
        has_subject = any(i in self.starts[subject] for i in range(first)) or 0 in self.starts["measure"]
        return has_subject and first < len(self.words) and all(self.is_any(i, *SUBJECTS[subject]) for i in range(first))

    def is_any(self, i: int, *kinds: str) -> bool:
        return any(start <= i <= last for kind in kinds for start, last in self._near(kind, i))

    def _near(self, kind: str, i: int) -> list[tuple[int, int]]:
        starts = self.starts[kind]
        return [(start, starts[start]) for start in range(max(i - PHRASE_WORDS + 1, 0), i + 1) if start in starts]

    def is_broken(self, i: int, *, but: str = "") -> bool:
        """Whether punctuation stands before word `i`."""
        return not HARD.isdisjoint(self._gaps[i].replace(but, "") if but else self._gaps[i])

    def before(self, length: Measurement) -> set[str]:
        """The kinds of the words directly before a length, and "from" where that is one of them."""
        kinds: set[str] = set()
        i = length.first
        while i > 0 and i - 1 not in self.inside and (not self.is_broken(i) or self.words[i - 1] in ADVERBS):
            kind = next((kind for kind in KINDS_BEFORE if i - 1 in self.ends[kind]), None)
            if kind is None:
                break
            kinds.update((kind, "from") if self.words[i - 1] == "from" else (kind,))
            i = self.ends[kind][i - 1]
        return kinds

    def past_dimension(self, i: int) -> int:
        return i if self.is_broken(i) else self.starts["dimension"].get(i, i - 1) + 1

    def is_size(self, length: Measurement, kinds: set[str]) -> bool:
        """Whether a length is the size of something, neither a distance nor a thickness of slices nor a movement."""
        if kinds & {"other", "other before"}:
            return False
        i = length.last + 1
        if i in self.starts["above"] or i in self.starts["below"]:
            return False
        if i in self.starts["distance"] and not self.is_broken(i) and kinds.isdisjoint(("measure", "past")):
            return False
        i = self.past_dimension(i)
        for j in range(i, min(i + AFTER_WORDS, len(self.words))):
            if j in self.starts["never"]:
                return False
            if self.is_broken(j) or j in self.inside:
                break
            if j in self.starts["other"] or j in self.starts["other after"]:
                return False
            if self.is_stop(j) and not (j == i and self.words[j] == "of"):
                break
        return True

    def tense(self, n: int, kinds: set[str]) -> str:
        """When a length was measured: prior, now, past ("was"), present ("measures"), plain, or "from" one to another."""
        length, following = self.lengths[n], self.lengths[n + 1] if n + 1 < len(self.lengths) else None
        if "now" in kinds or "prior" in kinds:
            return "now" if "now" in kinds else "prior"
        if self._is_prior_after(length, following):
            return "prior"
        if "from" in kinds and self.starts["growth"]:
            if len(length.values) > 1:
                return "from"
            is_start = following and self.words[following.first - 1] == "to" and not self._has_mention(length, following)
            return "prior" if is_start else "present"
        if "past" in kinds and self._is_of_earlier(n):
            return "prior"
        return "past" if "past" in kinds else "present" if kinds & {"measure", "verb"} else "plain"

    def _is_of_earlier(self, n: int) -> bool:
        """Whether words before a length that "was" say when: "on the prior CT the nodule measured 4 mm", "in 2019"."""
        first = self.lengths[n - 1].last + 1 if n else 0
        before = range(first, self.lengths[n].first)
        if any(self.words[i] == "on" and i in self.starts["prior"] for i in before):
            return True
        return self.words[first] == "in" and YEAR.fullmatch(self.words[first + 1]) is not None

    def _is_prior_after(self, length: Measurement, following: Measurement | None) -> bool:
        """Whether the words after a length call it an earlier one, and not the next length: "8 mm, previously 6 mm"."""
        i = self.past_dimension(length.last + 1)
        if i not in self.starts["prior after"] or self._gaps[i].strip(" \t\n(") not in ("", ","):
            return False
        i = self.starts["prior after"][i] + 1
        while following and i < following.first and not self.is_broken(i) and self.is_any(i, "filler", "measure", "past"):
            i += 1
        return not (following and i == following.first and not self.is_broken(i))

    def _has_mention(self, length: Measurement, following: Measurement) -> bool:
        return any(i in self.inside for i in range(length.last + 1, following.first))

    def is_listed(self, length: Measurement, following: Measurement) -> bool:
        return all(self.words[i] in ("and", "or", "to", "x", "by", "a", "an") for i in range(length.last + 1, following.first))

    def is_stop(self, i: int) -> bool:
        return i in self.starts["joint"] or i in self.starts["end"]

    def is_adjective_list(self, i: int) -> bool:
        """Whether a comma after a length goes on to the first finding of the sentence: "22 x 14 mm, calcified nodule"."""
        return self._gaps[i].strip() == "," and not (self.mentions and self.mentions[0].last < i)

    def is_opening(self, length: Measurement) -> bool:
        """Whether a noun phrase goes on after a length: "8 mm focus", not "8 mm in diameter" or "8 mm, calcified"."""
        i = length.last + 1
        if i >= len(self.words) or self.is_broken(i) or self._gaps[i].strip(" \t\r\n-"):
            return False
        return not (self.is_stop(i) or i in self.starts["dimension"] or i in self.starts["prior after"])

    def is_place_only(self, first: int) -> bool:
        for i in range(first, min(first + AHEAD_WORDS, len(self.words))):
            if self.is_broken(i):
                break
            if not self.is_any(i, "place"):
                return self.is_stop(i)
        return True

    def is_wish(self, i: int) -> bool:
        """Whether a distance is where a tip ought to be: "advance it to 4 cm above the carina"."""
        for j in range(i - 1, max(i - TARGET_WORDS, -1), -1):
            if j in self.starts["target"]:
                return True
            if self.is_broken(j + 1) or self.words[j] in ("as", "since", "because", "and"):
                return False
        return False
