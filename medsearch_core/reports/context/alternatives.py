"""Alternatives: of "atelectasis or pneumonia" and "atelectasis versus pneumonia" one is there, and which is not said.

Belongs here: which mentions of a unit are one of several that "or" or "versus" joins, where no other word doubts them: of two
each is probable (coders of Open-i take four in five as present), of more each is possible. Only what one opacity may be is an
alternative: diagnoses, and consolidation or infiltrate beside them; "fever or cough" and "tubes or lines" are lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from medsearch_core.reports.context.assertion import VERSUS, Decision
from medsearch_core.reports.context.clauses import DISJOINING, JOINING
from medsearch_core.reports.lexicon.vocabulary import Concept
from medsearch_core.reports.text.phrases import Match

SIGNS = frozenset({"consolidation", "lung infiltrate"})
MAX_WORDS_BETWEEN = 5


def as_alternatives(
    words: Sequence[str], commas: frozenset[int], mentions: Sequence[Match[Concept]], decisions: list[Decision]
) -> list[Decision]:
    """The decisions, one a mention in order, with a doubt for each alternative that no other word doubts."""
    decided = list(decisions)
    for first, last, joint in _chains(words, commas, mentions, decisions):
        certainty = "probable" if last == first + 1 else "possible"
        for i in range(first, last + 1):
            if decided[i] == Decision() or (decided[i].cue or "").lower().rstrip(".") in VERSUS:
                decided[i] = Decision("uncertain", certainty, joint)
    return decided


def _chains(
    words: Sequence[str], commas: frozenset[int], mentions: Sequence[Match[Concept]], decisions: list[Decision]
) -> Iterator[tuple[int, int, str]]:
    """The first and last mention of each list of alternatives, and the word that joins its last two."""
    last = len(mentions) - 1
    while last > 0:
        joint = _joint(words, mentions[last - 1], mentions[last])
        if joint is None:
            last -= 1
            continue
        first = last - 1
        while (
            first > 0
            and (decisions[first - 1] == Decision()) == (decisions[first] == Decision())
            and _goes_on(words, commas, mentions[first - 1], mentions[first])
        ):
            first -= 1
        yield first, last, joint
        last = first


def _joint(words: Sequence[str], earlier: Match[Concept], later: Match[Concept]) -> str | None:
    between = words[earlier.last + 1 : later.first]
    if not (_is_alternative(earlier) and _is_alternative(later)) or earlier.value.name == later.value.name:
        return None
    if len(between) > MAX_WORDS_BETWEEN:
        return None
    return next((word for word in between if word in DISJOINING or word in VERSUS), None)


def _goes_on(words: Sequence[str], commas: frozenset[int], earlier: Match[Concept], later: Match[Concept]) -> bool:
    """Whether the mention before is an item of the same list: "atelectasis, aspiration, or pneumonia"."""
    if _joint(words, earlier, later) is not None:
        return True
    between = range(earlier.last + 1, later.first + 1)
    has_comma = any(i in commas for i in between)
    return _is_alternative(earlier) and has_comma and len(between) <= MAX_WORDS_BETWEEN and _is_plain(words, between)


def _is_plain(words: Sequence[str], between: range) -> bool:
    return JOINING.isdisjoint(words[between.start : between.stop - 1])


def _is_alternative(mention: Match[Concept]) -> bool:
    return mention.value.category == "diagnosis" or mention.value.name in SIGNS
