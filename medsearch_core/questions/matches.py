"""What the words of a clause name: findings, statements of normality, words of patient and image.

Belongs here: one longest match over the vocabulary of reports and the question's tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from medsearch_core.questions.terms import FilterWords, terms
from medsearch_core.reports.lexicon.mentions import find_mentions, resolve_mentions
from medsearch_core.reports.lexicon.organs import organs_in
from medsearch_core.reports.lexicon.vocabulary import Concept, vocabulary
from medsearch_core.reports.text.phrases import Match
from medsearch_core.reports.text.units import Unit

NEAR_WORDS = 4
"""How far from a mention the name of its organ may stand."""


@dataclass(frozen=True, slots=True)
class Matches:
    """What was found in the words of a clause, best first: mentions, statements of normality, filters."""

    mentions: list[Match[Concept]]
    normal: list[Match[tuple[str, ...]]]
    filters: list[Match[FilterWords]]

    def words(self) -> set[int]:
        """The positions of all their words."""
        matches: list[Match[Any]] = [*self.mentions, *self.normal, *self.filters]
        return {i for match in matches for i in match.words}


def find_matches(unit: Unit) -> Matches:
    """One longest match over everything that words may name.

    A term of the question goes before the reports' own, except where these know of which organ it is: "liver mass".
    """
    known, words = terms(), unit.words
    own = [mention for mention in find_mentions(words) if mention.value.name]
    resolved = dict(zip(own, resolve_mentions(own, unit), strict=True))
    placed = {i for mention in own if mention.value.is_generic and names_organ(unit, resolved[mention]) for i in mention.words}
    candidates: list[tuple[int, Match[Any]]] = [
        *((0, Match(m.words, ())) for m in known.normal.find_all(words)),
        *((1, m) for m in known.found.find_all(words) if not placed.issuperset(m.words)),
        *((2, resolved[m] if placed.issuperset(m.words) or not m.value.is_generic else m) for m in own),
        *((3, m) for m in vocabulary().normals.find_all(words)),
        *((4, m) for m in known.filters.find_all(words)),
    ]
    candidates.sort(key=lambda kind_match: (-len(kind_match[1].words), kind_match[1].last - kind_match[1].first, kind_match[0]))
    taken: set[int] = set()
    found: dict[int, list[Match[Any]]] = {kind: [] for kind in range(5)}
    for kind, match in candidates:
        if taken.isdisjoint(match.words):
            taken.update(match.words)
            found[kind].append(match)
    mentions = sorted([*found[1], *found[2]], key=lambda match: match.first)
    return Matches(mentions, [*found[0], *found[3]], found[4])


def names_organ(unit: Unit, mention: Match[Concept]) -> bool:
    """Whether the words name the organ that a mention is of, or that its concept is of any."""
    organs = organs_in(unit.words)
    return any(mention.value.organ in (None, organ.value) for organ in organs if abs(organ.first - mention.first) <= NEAR_WORDS)
