"""What can be found: concepts with their phrases, their ICD-10-CM codes, and statements of normality.

Belongs here: the meaning of eight data files. `vocabulary.csv` has one row per concept, with the organ it is of; a row without
a concept lists phrases that must not be read as one. `vocabulary_icd10cm.csv` adds descriptions and inclusion terms of
ICD-10-CM under the code they are of. `generics.csv` lists terms that any organ may have (mass, edema): which concept a mention
of one is depends on its organ (`organs`), by `organ_concepts.csv` or, where that has no row, by the organ's name and the term.
`codes.csv` links concepts to ICD-10-CM: the first row whose qualifier words (all groups, one word of each `a/b` group) stand in
or close to the mention decides; a concept may have no code. `normals.csv` lists statements that imply concepts absent;
`senses.csv` tells apart what a phrase of several meanings means. `hierarchy.csv` names the broader concept of a concept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from medsearch_core.reports.data_files import rows
from medsearch_core.reports.lexicon.organs import organ_names
from medsearch_core.reports.text.phrases import Matcher, spellings
from medsearch_core.reports.text.words import fold

ICD10CM_RELEASE = "April 2026"
"""Release of ICD-10-CM that `codes.csv` was checked against; every code there is billable in it (the tests check)."""

UNLINKED_SCORE = 0.5
"""Score of a mention whose concept has no ICD-10-CM code."""

TERM_SCORE = 0.95
"""Score of a mention in the very words of its code."""


@dataclass(frozen=True, slots=True)
class Concept:
    """A finding, sign or symptom: `category` is diagnosis, sign, symptom or device, or empty for a phrase to be passed over.

    A generic one is a term that any organ may have.
    """

    name: str
    category: str
    organ: str | None = None
    is_generic: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """An ICD-10-CM code with its official description, and how certain it is that the concept means it."""

    code: str | None
    description: str | None
    score: float
    qualifier: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sense:
    """What a phrase of several meanings means in a sentence with one of these words; without words, in any other."""

    words: frozenset[str]
    means: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The data files, compiled."""

    concepts: dict[str, Concept]
    findings: Matcher[Concept]
    normals: Matcher[tuple[str, ...]]
    links: dict[str, list[Link]]
    senses: dict[str, list[Sense]]
    known_words: frozenset[str]
    of_organ: dict[tuple[str, str], Concept]
    of_chest: dict[str, Concept]

    def resolve_sense(self, concept: Concept, words: Sequence[str]) -> Concept:
        """The concept that a mention has in a sentence of these folded words."""
        for sense in self.senses.get(concept.name, ()):
            if not sense.words or not sense.words.isdisjoint(words):
                return self.concepts[sense.means]
        return concept

    def resolve_organ(self, concept: Concept, organ: str | None, *, is_chest: bool) -> Concept:
        """The concept that a mention of a generic term has: of its organ, of the chest by default, or the bare term."""
        if organ is not None and (named := self.of_organ.get((concept.name, organ))) is not None:
            return named
        return self.of_chest.get(concept.name, concept) if is_chest else concept

    def link(self, concept: str, nearby: set[str]) -> Link:
        """The code of a concept, given the lower-case words in and close to its mention."""
        for link in self.links.get(concept, ()):
            if all(not group.isdisjoint(nearby) for group in link.qualifier):
                return link
        return Link(None, None, UNLINKED_SCORE)


@lru_cache
def vocabulary() -> Vocabulary:
    """The vocabulary, read and compiled once."""
    terms = rows("vocabulary_icd10cm.csv")
    known = [*rows("vocabulary.csv"), *terms]
    concepts = {row["concept"]: Concept(row["concept"], row["category"], row.get("organ") or None) for row in known}
    generics = {row["term"]: row for row in rows("generics.csv")}
    phrases = [(phrase.strip(), concepts[row["concept"]]) for row in known for phrase in row["phrases"].split("|")]
    for term, row in generics.items():
        generic = Concept(term, row["category"], is_generic=True)
        concepts.setdefault(term, generic)
        phrases += [(phrase, generic) for phrase in row["phrases"].split("|")]
    of_organ = dict(_of_organs(generics, concepts))
    concepts |= {concept.name: concept for concept in of_organ.values() if concept.name not in concepts}
    return Vocabulary(
        concepts,
        Matcher(phrases),
        Matcher((row["phrase"], tuple(row["absent"].split("|"))) for row in rows("normals.csv")),
        _links(terms),
        _senses(),
        frozenset(fold(word) for phrase, _ in phrases for words in spellings(phrase) for word in words),
        of_organ,
        {term: concepts[row["chest"]] for term, row in generics.items() if row["chest"]},
    )


def _of_organs(generics: dict[str, dict[str, str]], concepts: dict[str, Concept]) -> Iterator[tuple[tuple[str, str], Concept]]:
    """Generic term and organ → the concept that the two are: one of the vocabulary, or one of their names."""
    special = {(row["term"], row["organ"]): row["concept"] for row in rows("organ_concepts.csv")}
    for term, row in generics.items():
        for organ, name in organ_names().items():
            concept = special.get((term, organ), f"{name} {term}")
            yield (term, organ), concepts.get(concept) or Concept(concept, row["category"], organ)


def _links(terms: list[dict[str, str]]) -> dict[str, list[Link]]:
    links: dict[str, list[Link]] = defaultdict(list)
    for row in rows("codes.csv"):
        qualifier = tuple(frozenset(group.split("/")) for group in row["qualifier"].split())
        links[row["concept"]].append(Link(row["code"], row["description"], float(row["score"]), qualifier))
    for row in terms:
        links[row["concept"]].append(Link(row["code"], row["description"], TERM_SCORE))
    return dict(links)


def _senses() -> dict[str, list[Sense]]:
    senses: dict[str, list[Sense]] = defaultdict(list)
    for row in rows("senses.csv"):
        words = frozenset(map(fold, row["words"].split("/"))) if row["words"] else frozenset()
        senses[row["concept"]].append(Sense(words, row["means"]))
    return dict(senses)
