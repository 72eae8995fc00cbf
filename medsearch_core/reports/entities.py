"""Sections to entities: every mention with its offsets, assertion, qualifiers and code.

Belongs here: finding mentions and filling their rows. What a mention means for the report as a whole is decided in `resolve`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from medsearch_core.records import EntityRecord
from medsearch_core.reports.context.alternatives import as_alternatives
from medsearch_core.reports.context.assertion import Context, Decision, as_qualified, in_section
from medsearch_core.reports.context.qualifiers import NO_QUALIFIERS, Qualifiers, Surroundings, position_statement
from medsearch_core.reports.context.sizes import NO_SIZES, Sizes, sizes_of
from medsearch_core.reports.gates.examination import UNKNOWN, Examination, examined_organ, is_chest
from medsearch_core.reports.lexicon.mentions import find_mentions, resolve_mentions
from medsearch_core.reports.lexicon.spelling import spelling
from medsearch_core.reports.lexicon.vocabulary import ICD10CM_RELEASE, Concept, vocabulary
from medsearch_core.reports.text.phrases import Match
from medsearch_core.reports.text.sections import Section
from medsearch_core.reports.text.spelling import is_name
from medsearch_core.reports.text.units import Unit, read_units

QUALIFIER_WORDS = 4
"""How far from a mention a word that chooses its code may stand."""

IMPLIED_SCORE = 0.4
"""Score of a concept that a statement of normality implies absent; every mention of a concept itself scores more."""


@dataclass(frozen=True)
class UnitContext:
    """A unit in its report, and the unit after it."""

    report_id: str
    text: str
    section: str
    unit: Unit
    following: Unit | None

    def words(self, match: Match[Any]) -> str:
        """The text of a match, gaps included."""
        return self.unit.sentence.text(self.text, match.first, match.last)


@dataclass(frozen=True)
class MentionFacts:
    """What a unit says of one mention: the assertion and its cue, its qualifiers, and the words that may choose its code."""

    decision: Decision
    qualifiers: Qualifiers = NO_QUALIFIERS
    position: str | None = None
    sizes: Sizes = NO_SIZES
    nearby: set[str] = field(default_factory=set)


def find_entities(
    report_id: str, text: str, sections: Sequence[Section], examination: Examination = UNKNOWN
) -> list[EntityRecord]:
    """The mentions of a report in the order of the text; `text[begin:end]` is the mention.

    A term that any organ may have, with none named, is of the organ that was examined, or of the chest if that was.
    """
    entities: list[EntityRecord] = []
    for section in sections:
        units = list(read_units(text, section.begin, section.end, vocabulary().known_words))
        for unit, following in zip_longest(units, units[1:]):
            entities += _in_unit(UnitContext(report_id, text, section.name, unit, following), examination)
    return sorted(entities, key=lambda entity: (entity.begin, entity.end, entity.concept))


def _in_unit(context: UnitContext, examination: Examination) -> Iterator[EntityRecord]:
    known, words = vocabulary(), context.unit.words
    spelled = _correct_spelling(context)
    found, normals = find_mentions(words), known.normals.find_all(words)
    if not (found or normals):
        return
    cues = Context(context.unit, context.text, found, normals)
    if found:
        mentions = resolve_mentions(found, context.unit, examined_organ(examination), is_chest=is_chest(examination))
        decisions = as_alternatives(words, context.unit.commas, mentions, [cues.decide(mention) for mention in mentions])
        surroundings = Surroundings(context.unit, found)
        devices = [context.unit.sentence.begins[m.first] for m in mentions if m.value.category == "device"]
        following = context.following.sentence if context.following else None
        sizes = sizes_of(context.text, context.unit.sentence, mentions, following)
        for mention, decision, size in zip(mentions, decisions, sizes, strict=True):
            if mention.value.name:
                facts = _mention_facts(context, mention, decision, surroundings, devices, size)
                yield _entity(context, mention, facts, read_as=_spelling(mention, words, spelled))
    named = {i for mention in found for i in mention.words}
    implied: dict[str, Match[tuple[str, ...]]] = {}
    for statement in normals:
        if _is_whole(statement, named) and cues.states(statement):
            for name in statement.value:
                implied.setdefault(name, statement)
    for name, statement in implied.items():
        facts = MentionFacts(Decision("absent", cue=context.words(statement)))
        yield _entity(context, Match(statement.words, known.concepts[name]), facts, IMPLIED_SCORE)


def _correct_spelling(context: UnitContext) -> dict[int, str]:
    """Puts what misspelled words were meant to be in their place; position → word."""
    sentence = context.unit.sentence
    corrections = spelling().corrections(sentence.words, lambda i: is_name(context.text, sentence.begins[i], sentence.ends[i]))
    for i, word in corrections.items():
        sentence.words[i] = word
    return corrections


def _spelling(mention: Match[Any], words: list[str], corrections: dict[int, str]) -> str | None:
    """The words that a misspelled mention was read as."""
    if not corrections or corrections.keys().isdisjoint(mention.words):
        return None
    return " ".join(words[mention.first : mention.last + 1])


def _mention_facts(
    context: UnitContext,
    mention: Match[Concept],
    decided: Decision,
    surroundings: Surroundings,
    devices: list[int],
    sizes: Sizes,
) -> MentionFacts:
    qualifiers = surroundings.of(mention)
    decision = as_qualified(decided, mention.value.category, qualifiers.change)
    position = None
    if mention.value.category == "device":
        end = _position_end(context.unit, context.following)
        position = position_statement(context.text, context.unit.sentence.ends[mention.last], end, devices)
        own = surroundings.of(mention, is_before_only=True)
        qualifiers = replace(qualifiers, laterality=own.laterality, anatomy=own.anatomy)
    nearby = _nearby(context, surroundings.reach(mention), mention, qualifiers.laterality)
    return MentionFacts(decision, qualifiers, position, NO_SIZES if decision.assertion == "absent" else sizes, nearby)


def _entity(
    context: UnitContext,
    match: Match[Concept],
    facts: MentionFacts,
    score: float | None = None,
    read_as: str | None = None,
) -> EntityRecord:
    concept = match.value
    link = vocabulary().link(concept.name, facts.nearby)
    settled = in_section(facts.decision, concept.category, context.section)
    return EntityRecord(
        report_id=context.report_id,
        text=context.words(match),
        begin=context.unit.sentence.begins[match.first],
        end=context.unit.sentence.ends[match.last],
        section=context.section,
        concept=concept.name,
        category=concept.category,
        assertion=settled.assertion,
        certainty=settled.certainty,
        cue=settled.cue,
        icd10cm_code=link.code,
        icd10cm_description=link.description,
        icd10cm_billable=True if link.code else None,
        icd10cm_release=ICD10CM_RELEASE if link.code else None,
        score=link.score if score is None else score,
        severity=facts.qualifiers.severity,
        change=facts.qualifiers.change,
        laterality=facts.qualifiers.laterality,
        anatomy=facts.qualifiers.anatomy,
        position=facts.position,
        organ=concept.organ,
        size_mm=facts.sizes.size_mm,
        prior_size_mm=facts.sizes.prior_size_mm,
        above_carina_mm=facts.sizes.above_carina_mm,
        spelling=read_as,
    )


def _position_end(unit: Unit, following: Unit | None) -> int:
    """Where what is said of a device ends: with its unit, or with the next one if that goes on about its tip."""
    goes_on = following is not None and "tip" in (following.words[0], *following.words[1:2])
    return following.sentence.ends[-1] if following and goes_on else unit.sentence.ends[-1]


def _nearby(context: UnitContext, reach: tuple[int, int], mention: Match[Concept], laterality: str | None) -> set[str]:
    """The words that may choose a mention's code: those close to it, with its own side in place of any they name."""
    low = max(reach[0], mention.first - QUALIFIER_WORDS)
    high = min(max(reach[1], mention.last), mention.last + QUALIFIER_WORDS) + 1
    sentence = context.unit.sentence
    spans = zip(sentence.begins[low:high], sentence.ends[low:high], strict=True)
    words = {context.text[begin:end].lower() for begin, end in spans}
    return words - {"left", "right", "bilateral"} | ({laterality} if laterality else set())


def _is_whole(statement: Match[Any], named: set[int]) -> bool:
    """Whether no finding is named inside the statement: "heart enlarged, lungs normal" does not call the heart normal."""
    return not any(i in named and i not in statement.words for i in range(statement.first, statement.last))
