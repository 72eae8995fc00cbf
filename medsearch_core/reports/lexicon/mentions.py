"""The mentions of a unit, each with the concept that it has there.

Belongs here: what a phrase of several meanings, and a term that any organ may have, means among the words it stands in.
"""

from __future__ import annotations

from collections.abc import Sequence

from medsearch_core.reports.lexicon.organs import Organs
from medsearch_core.reports.lexicon.vocabulary import Concept, vocabulary
from medsearch_core.reports.text.phrases import Match
from medsearch_core.reports.text.units import Unit

SHARED = frozenset({"pleural", "pericardial", "hilar", "mediastinal", "pulmonary", "peribronchial", "bronchial", "vascular"})
"""Adjectives that a second noun may share: "pleural effusion or thickening"."""

MAX_HEAD_WORDS = 3

CHEST = frozenset({"chest", "thorax", "thoracic"})
"""Words of a label under which terms without an organ are the chest's in any examination: "Lower chest: no effusion"."""


def find_mentions(words: Sequence[str]) -> list[Match[Concept]]:
    """The mentions in these folded words, in order; those of phrases to be passed over have a concept without a name."""
    found = vocabulary().findings.find(words)
    shared = [second for first in found if words[first.first] in SHARED for second in _elliptical(words, first)]
    if not shared:
        return found
    named = {i for mention in found if not mention.value.is_generic for i in mention.words}
    shared = [mention for mention in shared if named.isdisjoint(mention.words)]
    taken = {i for mention in shared for i in mention.words}
    return sorted([*shared, *(m for m in found if taken.isdisjoint(m.words))], key=lambda mention: mention.first)


def _elliptical(words: Sequence[str], first: Match[Concept]) -> list[Match[Concept]]:
    """What "or thickening" is after "pleural effusion"."""
    after = first.last + 1
    if after + 1 >= len(words) or words[after] not in ("or", "and", "nor"):
        return []
    whole = [words[first.first], *words[after + 1 : after + 1 + MAX_HEAD_WORDS]]
    return [
        Match(tuple(after + i for i in match.words[1:]), match.value)
        for match in vocabulary().findings.find(whole)
        if match.first == 0 and len(match.words) > 1
    ]


def resolved_mentions(unit: Unit) -> list[Match[Concept]]:
    """The mentions of a unit, each with the concept that it has there."""
    return resolve_mentions(find_mentions(unit.words), unit)


def resolve_mentions(
    found: Sequence[Match[Concept]], unit: Unit, examined: str | None = None, *, is_chest: bool = True
) -> list[Match[Concept]]:
    """The mentions found in a unit, each with its concept there.

    Where no organ is named, a term that any organ may have is of the organ `examined`, or of the chest.
    """
    known, words = vocabulary(), unit.words
    concepts = [known.resolve_sense(mention.value, words) for mention in found]
    if any(concept.is_generic for concept in concepts):
        is_chest_here = is_chest or not CHEST.isdisjoint(unit.label)
        examined_here = None if is_chest_here and not is_chest else examined
        organs = Organs(words, {i: n for n, mention in enumerate(found) for i in mention.words}, unit.label, unit.value)
        concepts = [
            known.resolve_organ(concept, organs.of(mention) or examined_here, is_chest=is_chest_here)
            if concept.is_generic
            else concept
            for mention, concept in zip(found, concepts, strict=True)
        ]
    return [Match(mention.words, concept) for mention, concept in zip(found, concepts, strict=True)]
