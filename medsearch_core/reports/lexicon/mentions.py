"""The mentions of a unit, each with the concept that it has there.

Belongs here: what a phrase of several meanings, and a term that any organ may have, means among the words it stands in.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from itertools import zip_longest

from medsearch_core.reports.lexicon.organs import Organs, first_organ
from medsearch_core.reports.lexicon.vocabulary import Concept, vocabulary
from medsearch_core.reports.text.phrases import Match
from medsearch_core.reports.text.units import Unit

SHARED = frozenset({"pleural", "pericardial", "hilar", "mediastinal", "pulmonary", "peribronchial", "bronchial", "vascular"})
"""Adjectives that a second noun may share: "pleural effusion or thickening"."""

MAX_HEAD_WORDS = 3

SIZED = frozenset({"small", "large", "enlarged", "atrophic", "dilated", "prominent"})
"""Words that begin a finding of an organ, or the description of something in it."""

DESCRIBING = SIZED | {"like"}
"""Words, one of which stands where a mention only describes the next."""

COMPARED = frozenset({"a", "an", "the", "that", "those", "this", "in", "on", "before"})
"""Words behind a "like" that compares, and does not describe: "a mass like that of before"."""

JOINTS = frozenset({"or", "and", "nor"})

ADJECTIVES = ("al", "ar", "ary", "eal", "ic", "rine", "ous")
"""Ends of words that may share a noun with a later one: "hilar or axillary adenopathy"."""

CHEST = frozenset({"chest", "thorax", "thoracic"})
"""Words of a label under which terms without an organ are the chest's in any examination: "Lower chest: no effusion"."""


def find_mentions(words: Sequence[str], commas: Container[int] = ()) -> list[Match[Concept]]:
    """The mentions in these folded words, in order; those of phrases to be passed over have a concept without a name.

    Where an adjective has several nouns, or a noun several adjectives, each is a mention: "pleural effusion or thickening",
    "hilar or axillary adenopathy". `commas` are the positions of words after a comma.
    """
    found = vocabulary().findings.find(words)
    if found and not DESCRIBING.isdisjoint(words):
        found = [m for m, following in zip_longest(found, found[1:]) if not _is_adjective(words, m, following)]
    if not found or JOINTS.isdisjoint(words):
        return found
    shared = [other for mention in found for other in _sharing(words, commas, mention)]
    if not shared:
        return found
    named = {i for mention in found if not mention.value.is_generic for i in mention.words}
    shared = [mention for mention in shared if named.isdisjoint(mention.words)]
    taken = {i for mention in shared for i in mention.words}
    return sorted([*shared, *(m for m in found if taken.isdisjoint(m.words))], key=lambda mention: mention.first)


def _is_adjective(words: Sequence[str], mention: Match[Concept], following: Match[Concept] | None) -> bool:
    """Whether a mention is no finding but says what something is like or of: "pneumonia-like opacity", "small kidney stone"."""
    after = mention.last + 1
    if not mention.value.name or after == len(words):
        return False
    if words[after] == "like":
        return after + 1 < len(words) and words[after + 1] not in COMPARED
    if following is None:
        return False
    if words[mention.first] not in SIZED:
        return False
    is_before = following.first == mention.last + 1 and following.value.is_generic and not mention.value.is_generic
    return is_before and first_organ([words[mention.last]]) is not None


def _sharing(words: Sequence[str], commas: Container[int], mention: Match[Concept]) -> Iterator[Match[Concept]]:
    """The mentions that share a word of this one."""
    if words[mention.first] in SHARED:
        yield from _sharing_adjective(words, mention)
    if mention.value.name:
        yield from _sharing_noun(words, commas, mention)


def _sharing_adjective(words: Sequence[str], first: Match[Concept]) -> Iterator[Match[Concept]]:
    """What "or thickening" is after "pleural effusion"."""
    after = first.last + 1
    if after + 1 < len(words) and words[after] in JOINTS:
        whole = [words[first.first], *words[after + 1 : after + 1 + MAX_HEAD_WORDS]]
        for match in vocabulary().findings.find(whole):
            if match.first == 0 and len(match.words) > 1:
                yield Match(tuple(after + i for i in match.words[1:]), match.value)


def _sharing_noun(words: Sequence[str], commas: Container[int], last: Match[Concept]) -> Iterator[Match[Concept]]:
    """What "pleural or" is before "pericardial effusion", and what "hepatic, splenic or" is before "renal cyst"."""
    own = next((i for i in (last.first, last.first - 1) if i >= 2 and words[i - 1] in JOINTS), last.last)
    if own == last.last or not words[own].endswith(ADJECTIVES):
        return
    noun = words[own + 1 : last.last + 1]
    seen = {_named(words[own], noun)}
    for i in range(own - 2, -1, -1):
        named = _named(words[i], noun) if words[i].endswith(ADJECTIVES) else None
        if named is not None and named not in seen:
            yield Match((i,), last.value if last.value.is_generic else named)
        seen.add(named)
        if named is None or i not in commas:
            return


def _named(adjective: str, noun: Sequence[str]) -> Concept | None:
    """The concept of an adjective and a noun, none where the adjective says nothing of it: "renal" of a cyst."""
    known = vocabulary()
    found = known.findings.find([adjective, *noun])
    if len(found) != 1 or found[0].last != len(noun):
        return None
    organ = first_organ([adjective])
    if found[0].value.is_generic:
        return known.resolve_organ(found[0].value, organ, is_chest=False) if organ else None
    return found[0].value if found[0].first == 0 else None


def resolved_mentions(unit: Unit) -> list[Match[Concept]]:
    """The mentions of a unit, each with the concept that it has there."""
    return resolve_mentions(find_mentions(unit.words, unit.commas), unit)


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
        organs = Organs(
            words, {i: n for n, mention in enumerate(found) for i in mention.words}, unit.label, unit.value, unit.commas
        )
        concepts = [
            known.resolve_organ(concept, organs.of(mention) or examined_here, is_chest=is_chest_here)
            if concept.is_generic
            else concept
            for mention, concept in zip(found, concepts, strict=True)
        ]
    return [Match(mention.words, concept) for mention, concept in zip(found, concepts, strict=True)]
