"""Sections to entities: every mention with its offsets, assertion, qualifiers and code.

Belongs here: finding mentions and filling their rows. What a mention means for the report as a whole is decided in `resolve`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from medsearch_core.records import EntityRecord
from medsearch_core.reports.context.assertion import Context, as_qualified, in_section
from medsearch_core.reports.context.qualifiers import NO_QUALIFIERS, Qualifiers, Surroundings, position_statement
from medsearch_core.reports.lexicon.vocabulary import ICD10CM_RELEASE, Concept, vocabulary
from medsearch_core.reports.text.phrases import Match, Sentence, split_sentences
from medsearch_core.reports.text.sections import Section

QUALIFIER_WORDS = 4
"""How far from a mention a word that chooses its code may stand."""

IMPLIED_SCORE = 0.4
"""Score of a concept that a statement of normality implies absent; every mention of a concept itself scores more."""


@dataclass(frozen=True)
class SentenceContext:
    """A sentence in its report, and the sentence after it."""

    report_id: str
    text: str
    section: str
    sentence: Sentence
    following: Sentence | None

    def words(self, match: Match[Any]) -> str:
        """The text of a match, gaps included."""
        return self.text[self.sentence.begins[match.first] : self.sentence.ends[match.last]]


@dataclass(frozen=True)
class MentionFacts:
    """What a sentence says of one mention: the assertion, its cue, its qualifiers, and the words that may choose its code."""

    assertion: str
    cue: str | None
    qualifiers: Qualifiers = NO_QUALIFIERS
    position: str | None = None
    nearby: set[str] = field(default_factory=set)


def find_entities(report_id: str, text: str, sections: list[Section]) -> list[EntityRecord]:
    """The mentions of a report in the order of the text; `text[begin:end]` is the mention."""
    entities: list[EntityRecord] = []
    for section in sections:
        sentences = list(split_sentences(text, section.begin, section.end))
        for sentence, following in zip_longest(sentences, sentences[1:]):
            entities += _in_sentence(SentenceContext(report_id, text, section.name, sentence, following))
    return sorted(entities, key=lambda entity: (entity.begin, entity.end, entity.concept))


def _in_sentence(context: SentenceContext) -> Iterator[EntityRecord]:
    known, words = vocabulary(), context.sentence.words
    mentions, normals = known.findings.find(words), known.normals.find_all(words)
    if not (mentions or normals):
        return
    cues = Context(context.sentence, context.text)
    if mentions:
        surroundings = Surroundings(context.sentence, context.text, mentions)
        devices = [context.sentence.begins[m.first] for m in mentions if m.value.category == "device"]
        for mention in mentions:
            concept = known.resolve_sense(mention.value, words)
            if concept.is_generic:
                concept = known.resolve_organ(concept, None, is_chest=True)
            if concept.name:
                yield _entity(context, mention, concept, _mention_facts(context, mention, concept, cues, surroundings, devices))
    named = {i for mention in mentions for i in mention.words}
    implied: dict[str, Match[tuple[str, ...]]] = {}
    for statement in normals:
        if _is_whole(statement, named) and not cues.has_cue_inside(statement):
            for name in statement.value:
                implied.setdefault(name, statement)
    for name, statement in implied.items():
        yield _entity(context, statement, known.concepts[name], MentionFacts("absent", context.words(statement)), IMPLIED_SCORE)


def _mention_facts(
    sentence: SentenceContext,
    mention: Match[Concept],
    concept: Concept,
    context: Context,
    surroundings: Surroundings,
    devices: list[int],
) -> MentionFacts:
    decided, cue = context.decide(mention)
    qualifiers = surroundings.of(mention)
    cue_text = sentence.words(cue) if cue else None
    assertion = as_qualified(decided, cue_text or "", concept.category, qualifiers.change)
    position = None
    if concept.category == "device":
        end = _position_end(sentence.sentence, sentence.following)
        position = position_statement(sentence.text, sentence.sentence.ends[mention.last], end, devices)
        own = surroundings.of(mention, is_before_only=True)
        qualifiers = replace(qualifiers, laterality=own.laterality, anatomy=own.anatomy)
    nearby = _nearby(sentence, surroundings.reach(mention), mention, qualifiers.laterality)
    return MentionFacts(assertion, cue_text if assertion == decided else None, qualifiers, position, nearby)


def _entity(
    sentence: SentenceContext, match: Match[Any], concept: Concept, facts: MentionFacts, score: float | None = None
) -> EntityRecord:
    link = vocabulary().link(concept.name, facts.nearby)
    settled = in_section(facts.assertion, concept.category, sentence.section)
    return EntityRecord(
        report_id=sentence.report_id,
        text=sentence.words(match),
        begin=sentence.sentence.begins[match.first],
        end=sentence.sentence.ends[match.last],
        section=sentence.section,
        concept=concept.name,
        category=concept.category,
        assertion=settled,
        cue=facts.cue if settled == facts.assertion else None,
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
    )


def _position_end(sentence: Sentence, following: Sentence | None) -> int:
    """Where what is said of a device ends: with its sentence, or with the next one if that goes on about its tip."""
    goes_on = following is not None and "tip" in (following.words[0], *following.words[1:2])
    return following.ends[-1] if following and goes_on else sentence.ends[-1]


def _nearby(sentence: SentenceContext, reach: tuple[int, int], mention: Match[Concept], laterality: str | None) -> set[str]:
    """The words that may choose a mention's code: those close to it, with its own side in place of any they name."""
    low = max(reach[0], mention.first - QUALIFIER_WORDS)
    high = min(max(reach[1], mention.last), mention.last + QUALIFIER_WORDS) + 1
    spans = zip(sentence.sentence.begins[low:high], sentence.sentence.ends[low:high], strict=True)
    words = {sentence.text[begin:end].lower() for begin, end in spans}
    return words - {"left", "right", "bilateral"} | ({laterality} if laterality else set())


def _is_whole(statement: Match[Any], named: set[int]) -> bool:
    """Whether no finding is named inside the statement: "heart enlarged, lungs normal" does not call the heart normal."""
    return not any(i in named and i not in statement.words for i in range(statement.first, statement.last))
