"""Sections to entities: every mention with its offsets, assertion and code.

Belongs here: finding mentions and filling their rows. What a mention means for the report as a whole is decided in `resolve`.
"""

from __future__ import annotations

from collections.abc import Iterator

from medsearch_core.records import EntityRecord
from medsearch_core.reports.assertion import Context, in_section
from medsearch_core.reports.phrases import Match, Sentence, split_sentences
from medsearch_core.reports.sections import Section
from medsearch_core.reports.vocabulary import Concept, Vocabulary, vocabulary

QUALIFIER_WORDS = 4
"""How far from a mention a qualifier such as a side may stand."""

IMPLIED_SCORE = 0.4
"""Score of a concept that a statement of normality implies absent; every mention of a concept itself scores more."""


def find_entities(report_id: str, text: str, sections: list[Section]) -> list[EntityRecord]:
    """The mentions of a report in the order of the text; `text[begin:end]` is the mention."""
    known = vocabulary()
    entities = [
        entity
        for section in sections
        for sentence in split_sentences(text, section.begin, section.end)
        for entity in _in_sentence(report_id, text, section.name, sentence, known)
    ]
    return sorted(entities, key=lambda entity: (entity.begin, entity.end, entity.concept))


def _in_sentence(report_id: str, text: str, section: str, sentence: Sentence, known: Vocabulary) -> Iterator[EntityRecord]:
    mentions = known.findings.find(sentence.words)
    normals = known.normals.find_all(sentence.words)
    if not (mentions or normals):
        return
    context = Context(sentence)
    for mention in mentions:
        if mention.value.name:
            assertion, cue = context.decide(mention)
            cue_text = _words(text, sentence, cue) if cue else None
            yield _entity(report_id, text, section, sentence, mention, mention.value, assertion, cue_text, known)
    named = {i for mention in mentions for i in mention.words}
    implied: dict[str, Match[tuple[str, ...]]] = {}
    for statement in normals:
        if _is_whole(statement, named) and not context.has_cue_inside(statement):
            for name in statement.value:
                implied.setdefault(name, statement)
    for name, statement in implied.items():
        cue_text = _words(text, sentence, statement)
        concept = known.concepts[name]
        yield _entity(report_id, text, section, sentence, statement, concept, "absent", cue_text, known, IMPLIED_SCORE)


def _entity(
    report_id: str,
    text: str,
    section: str,
    sentence: Sentence,
    match: Match[Concept] | Match[tuple[str, ...]],
    concept: Concept,
    assertion: str,
    cue: str | None,
    known: Vocabulary,
    score: float | None = None,
) -> EntityRecord:
    begin, end = sentence.begins[match.first], sentence.ends[match.last]
    low, high = max(match.first - QUALIFIER_WORDS, 0), min(match.last + QUALIFIER_WORDS, len(sentence.words) - 1)
    nearby = text[sentence.begins[low] : sentence.ends[high]] if score is None else ""
    link = known.link(concept.name, set(nearby.lower().replace(",", " ").replace("-", " ").split()))
    settled = in_section(assertion, concept.category, section)
    return EntityRecord(
        report_id=report_id,
        text=text[begin:end],
        begin=begin,
        end=end,
        section=section,
        concept=concept.name,
        category=concept.category,
        assertion=settled,
        cue=cue if settled == assertion else None,
        icd10cm_code=link.code,
        icd10cm_description=link.description,
        score=link.score if score is None else score,
    )


def _words(text: str, sentence: Sentence, match: Match) -> str:
    return text[sentence.begins[match.first] : sentence.ends[match.last]]


def _is_whole(statement: Match, named: set[int]) -> bool:
    """Whether no finding is named inside the statement: "heart enlarged, lungs normal" does not call the heart normal."""
    return not any(i in named and i not in statement.words for i in range(statement.first, statement.last))
