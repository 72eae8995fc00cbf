"""Alternatives: of "atelectasis or pneumonia" each is possible, and neither is said to be there.

Belongs here: which mentions of a unit are one of two or more that "or" joins. Only what one opacity may be is an alternative:
diagnoses, and consolidation or infiltrate beside them; "fever or cough" and "tubes or lines" are lists.
"""

from __future__ import annotations

from collections.abc import Sequence

from medsearch_core.reports.context.assertion import Decision
from medsearch_core.reports.context.clauses import DISJOINING, JOINING
from medsearch_core.reports.lexicon.vocabulary import Concept
from medsearch_core.reports.text.phrases import Match

CATEGORIES = frozenset({"diagnosis"})
SIGNS = frozenset({"consolidation", "lung infiltrate"})
MAX_WORDS_BETWEEN = 5


def as_alternatives(
    words: list[str], commas: frozenset[int], mentions: Sequence[Match[Concept]], decisions: list[Decision]
) -> list[Decision]:
    """The decisions, one a mention in order, in which alternatives that nothing else doubts are possible."""
    decided = list(decisions)
    for i in range(len(mentions) - 1, 0, -1):
        earlier, later = mentions[i - 1], mentions[i]
        between = words[earlier.last + 1 : later.first]
        if not (_is_alternative(earlier) and _is_alternative(later)) or earlier.value.name == later.value.name:
            continue
        if len(between) <= MAX_WORDS_BETWEEN and not DISJOINING.isdisjoint(between):
            decided[i] = _possible(decided[i])
            decided[i - 1] = _possible(decided[i - 1])
            _spread(words, commas, mentions, decided, i - 1)
    return decided


def _spread(
    words: list[str], commas: frozenset[int], mentions: Sequence[Match[Concept]], decided: list[Decision], first: int
) -> None:
    """The items before in the same list: "atelectasis, aspiration, or pneumonia"."""
    for i in range(first, 0, -1):
        earlier, later = mentions[i - 1], mentions[i]
        between = range(earlier.last + 1, later.first + 1)
        if not _is_alternative(earlier) or not any(j in commas for j in between) or len(between) > MAX_WORDS_BETWEEN:
            return
        if not JOINING.isdisjoint(words[earlier.last + 1 : later.first]):
            return
        decided[i - 1] = _possible(decided[i - 1])


def _is_alternative(mention: Match[Concept]) -> bool:
    return mention.value.category in CATEGORIES or mention.value.name in SIGNS


def _possible(decision: Decision) -> Decision:
    return Decision("uncertain", "possible", "or") if decision == Decision() else decision
