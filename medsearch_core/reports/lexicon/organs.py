"""Which organ a report names, by the phrases of `organs.csv`.

Belongs here: the organs, their words, and the organ that a mention of a term such as "mass" is of: the one named in its noun
phrase ("renal mass", "mass in the left kidney"), else in the label it stands under ("KIDNEYS: 3 cm mass").
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Container, Mapping, Sequence
from functools import lru_cache
from typing import Any

from medsearch_core.reports.data_files import rows, word_list
from medsearch_core.reports.text.phrases import Match, Matcher
from medsearch_core.reports.text.words import ONE_SIDE

WORDS_BEFORE, WORDS_AFTER = 6, 9
"""How far from a mention the name of its organ may stand."""

NORMAL = word_list("normal")
"""Words that make what stands before a comma another statement: "normal heart size, effusion on the left"."""

STOPS = word_list("organ stops")
"""Words past which an organ is another phrase's."""

ADJECTIVES = ("ed", "ous", "ic")
MAX_WORDS_TO_NOUN = 3
"""How far behind an adjective its noun may end: "dilated common bile duct"."""

LINKS = word_list("organ links")
"""Words before an organ that stands behind its finding."""


@lru_cache
def organ_names() -> dict[str, str]:
    """Organ → the word that stands before a term: `renal` of the kidney."""
    return {row["organ"]: row["name"] for row in rows("organs.csv")}


@lru_cache
def _matcher() -> Matcher[str]:
    return Matcher((phrase, row["organ"]) for row in rows("organs.csv") for phrase in row["words"].split("|"))


def organs_in(words: Sequence[str]) -> list[Match[str]]:
    """The organs named in these folded words, in their order."""
    return _matcher().find(list(words))


def first_organ(words: Sequence[str]) -> str | None:
    """The organ that a label or a title names first."""
    found = organs_in(words)
    return found[0].value if found else None


class Organs:
    """The organs named in one unit, asked once per mention of a term that any organ may have.

    Args:
        words: the folded words of the unit.
        owners: position of a mention's word → the mention's number; past another mention's word an organ is that one's.
        label: the words of the label that the unit stands under.
        value: the position of the first word after its own label, 0 without one.
        commas: the positions of words after a comma.
    """

    def __init__(
        self,
        words: Sequence[str],
        owners: Mapping[int, int],
        label: Sequence[str],
        value: int,
        commas: Container[int] = (),
    ) -> None:
        self._words, self._owners, self._label, self._value = words, owners, label, value
        self._commas = commas
        self._found = organs_in(words)
        self._firsts = [organ.first for organ in self._found]

    def of(self, mention: Match[Any]) -> str | None:
        """The organ of a mention: the one named in it or nearest before it, the first one behind it, that of its label."""
        own = self._owners[mention.first]
        low, high = mention.first, mention.last
        least = self._value if mention.first >= self._value else 0
        while low > least and mention.first - low < WORDS_BEFORE and self._is_free(low - 1, own):
            if low in self._commas and not NORMAL.isdisjoint(self._words[max(low - WORDS_BEFORE, least) : low]):
                break
            low -= 1
        before = [organ for organ in self._between(low, mention.last) if organ.last <= mention.last]
        if before:
            return before[-1].value
        while high + 1 < len(self._words) and high - mention.last < WORDS_AFTER and self._is_free(high + 1, own):
            high += 1
        behind = next((organ for organ in self._between(mention.last + 1, high) if organ.last <= high), None)
        if behind is not None and self._is_of(mention, behind):
            return behind.value
        return first_organ(self._label)

    def _is_of(self, mention: Match[Any], behind: Match[str]) -> bool:
        """Whether an organ behind a mention is its own: "mass in the kidney", "mass left kidney", "dilated bile duct"."""
        is_adjective = self._words[mention.last].endswith(ADJECTIVES) and behind.first - mention.last <= MAX_WORDS_TO_NOUN
        between = range(mention.last + 1, behind.first)
        words = [self._words[i] for i in between]
        is_sided = bool(words) and ONE_SIDE.issuperset(words) and not any(i in self._commas for i in (*between, behind.first))
        return is_adjective or is_sided or not LINKS.isdisjoint(words)

    def _is_free(self, i: int, own: int) -> bool:
        return self._words[i] not in STOPS and self._owners.get(i, own) == own

    def _between(self, low: int, high: int) -> list[Match[str]]:
        return self._found[bisect_left(self._firsts, low) : bisect_right(self._firsts, high)]
