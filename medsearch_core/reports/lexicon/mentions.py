"""The mentions of a unit, each with the concept that it has there.

Belongs here: what a phrase of several meanings, and a term that any organ may have, means among the words it stands in.
"""

from __future__ import annotations

from collections.abc import Sequence

from medsearch_core.reports.lexicon.organs import Organs
from medsearch_core.reports.lexicon.vocabulary import Concept, vocabulary
from medsearch_core.reports.text.phrases import Match
from medsearch_core.reports.text.units import Unit


def resolved_mentions(unit: Unit, *, is_chest: bool) -> list[Match[Concept]]:
    """The mentions of a unit in order; those of phrases to be passed over have a concept without a name."""
    return resolve_mentions(vocabulary().findings.find(unit.words), unit, is_chest=is_chest)


def resolve_mentions(found: Sequence[Match[Concept]], unit: Unit, *, is_chest: bool) -> list[Match[Concept]]:
    """The mentions found in a unit, each with its concept there."""
    known, words = vocabulary(), unit.words
    concepts = [known.resolve_sense(mention.value, words) for mention in found]
    if any(concept.is_generic for concept in concepts):
        organs = Organs(words, {i: n for n, mention in enumerate(found) for i in mention.words}, unit.label)
        concepts = [
            known.resolve_organ(concept, organs.of(mention), is_chest=is_chest) if concept.is_generic else concept
            for mention, concept in zip(found, concepts, strict=True)
        ]
    return [Match(mention.words, concept) for mention, concept in zip(found, concepts, strict=True)]
