"""Sections to entities: every mention with its offsets, assertion, qualifiers and code.

Belongs here: finding mentions and filling their rows. What a mention means for the report as a whole is decided in `resolve`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import zip_longest
from typing import Any, NamedTuple

from medsearch_core.records import EntityRecord
from medsearch_core.reports.context.alternatives import as_alternatives
from medsearch_core.reports.context.assertion import Context, Decision, as_qualified, in_section
from medsearch_core.reports.context.continuations import continued, goes_on, of_other_side
from medsearch_core.reports.context.labels import with_values
from medsearch_core.reports.context.qualifiers import NO_QUALIFIERS, Qualifiers, Surroundings, position_statement
from medsearch_core.reports.context.sizes import NO_SIZES, Sizes, has_lengths, sizes_of
from medsearch_core.reports.gates.examination import UNKNOWN, Examination, examined_organ, is_chest
from medsearch_core.reports.lexicon.mentions import find_mentions, resolve_mentions
from medsearch_core.reports.lexicon.spelling import spelling
from medsearch_core.reports.lexicon.vocabulary import ICD10CM_RELEASE, Concept, vocabulary
from medsearch_core.reports.text.phrases import Match
from medsearch_core.reports.text.sections import Section
from medsearch_core.reports.text.spelling import is_name
from medsearch_core.reports.text.units import KEPT, MAX_KEPT_CHARACTERS, Unit, read_units
from medsearch_core.reports.text.words import ONE_SIDE

QUALIFIER_WORDS = 4
"""How far from a mention a word that chooses its code may stand."""

PERSONAL = frozenset({"history", "hx", "old", "prior", "previous", "remote", "healed"})
"""Words that choose a code of the patient's own history, and not of the family's."""

IMPLIED_SCORE = 0.4
"""Score of a concept that a statement of normality implies absent; every mention of a concept itself scores more."""


@dataclass(frozen=True)
class MentionFacts:
    """What a unit says of one mention: the assertion and its cue, its qualifiers, and the words that may choose its code."""

    decision: Decision
    qualifiers: Qualifiers = NO_QUALIFIERS
    position: str | None = None
    sizes: Sizes = NO_SIZES
    nearby: set[str] = field(default_factory=set)


class Finding(NamedTuple):
    """A row of a unit: where in the unit's text its mention begins and ends, and all else that the row says."""

    begin: int
    end: int
    facts: dict[str, Any]


def find_entities(
    report_id: str, text: str, sections: Sequence[Section], examination: Examination = UNKNOWN
) -> list[EntityRecord]:
    """The mentions of a report in the order of the text; `text[begin:end]` is the mention.

    A term that any organ may have, with none named, is of the organ that was examined, or of the chest if that was.
    """
    entities: list[EntityRecord] = []
    examined = examined_organ(examination), is_chest(examination)
    for section in sections:
        placed = list(read_units(text, section.begin, section.end, vocabulary().known_words))
        for (at, unit), following in zip_longest(placed, (unit for _, unit in placed[1:])):
            find = _find_kept if len(unit.text) <= MAX_KEPT_CHARACTERS else _find
            is_more = following is not None and (_is_of_tip(following) or has_lengths(following) or goes_on(following))
            for begin, end, facts in find(unit, following if is_more else None, section.name, *examined):
                entities.append(EntityRecord(report_id=report_id, begin=at + begin, end=at + end, **facts))
    return sorted(entities, key=lambda entity: (entity.begin, entity.end, entity.concept))


def _find(read_unit: Unit, following: Unit | None, section: str, organ: str | None, is_of_chest: bool) -> tuple[Finding, ...]:
    """The rows of a unit in a section of this name.

    Args:
        following: the unit after it, where that goes on about it.
        organ: what was examined.
        is_of_chest: whether terms that any organ may have are the chest's.
    """
    unit, corrections = _spelled(read_unit)
    known, words = vocabulary(), unit.words
    found, normals = find_mentions(words, unit.commas), known.normals.find_all(words)
    if not (found or normals):
        return ()
    rows: list[Finding] = []
    cues = Context(unit, found, normals)
    if found:
        mentions = resolve_mentions(found, unit, organ, is_chest=is_of_chest)
        alternatives = as_alternatives(words, unit.commas, mentions, [cues.decide(mention) for mention in mentions])
        decisions = with_values(unit, mentions, alternatives, normals, cues)
        if following is not None and goes_on(following) and not find_mentions(following.words):
            decisions[-1] = _of_now(decisions[-1], continued(following))
        surroundings = Surroundings(unit, found)
        devices = [unit.sentence.begins[m.first] for m in mentions if m.value.category == "device"]
        sizes = sizes_of(unit, mentions, following)
        for mention, decision, size in zip(mentions, decisions, sizes, strict=True):
            if mention.value.name:
                facts = _mention_facts(unit, following, mention, decision, surroundings, devices, size)
                rows.append(_finding(unit, section, mention, facts, read_as=_spelling(mention, words, corrections)))
        if not ONE_SIDE.isdisjoint(words):
            for other in _of_other_sides(unit, mentions, decisions):
                facts = MentionFacts(Decision(), _of_rest(surroundings.of(other)))
                rows.append(_finding(unit, section, other, facts))
    named = {i for mention in found for i in mention.words}
    implied: dict[str, Match[tuple[str, ...]]] = {}
    for statement in normals:
        if _is_whole(statement, named) and cues.states(statement):
            for name in statement.value:
                implied.setdefault(name, statement)
    for name, statement in implied.items():
        facts = MentionFacts(Decision("absent", cue=unit.span(statement.first, statement.last)))
        rows.append(_finding(unit, section, Match(statement.words, known.concepts[name]), facts, IMPLIED_SCORE))
    return tuple(rows)


_find_kept = lru_cache(maxsize=KEPT)(_find)


def _of_other_sides(unit: Unit, mentions: Sequence[Match[Concept]], decisions: Sequence[Decision]) -> Iterator[Match[Concept]]:
    """The mentions that a side alone is of: "left effusion has resolved, the right one persists"."""
    ends = [*(mention.first for mention in mentions[1:]), len(unit.words)]
    for mention, decision, end in zip(mentions, decisions, ends, strict=True):
        other = of_other_side(unit, mention, end) if decision.assertion == "absent" and mention.value.name else None
        if other is not None:
            yield other


def _of_rest(said: Qualifiers) -> Qualifiers:
    """What is said of the side where a finding is still there, which has not resolved."""
    return replace(said, change="unchanged") if said.change in (None, "resolved") else said


def _of_now(decision: Decision, said_next: Decision | None) -> Decision:
    """What a mention is now, of which the next sentence says that it is gone or still there."""
    return said_next if said_next is not None and decision.assertion in ("present", "historical") else decision


def _spelled(unit: Unit) -> tuple[Unit, dict[int, str]]:
    """The unit with what misspelled words were meant to be in their place, and these words by position."""
    text, sentence = unit.text, unit.sentence
    corrections = spelling().corrections(sentence.words, lambda i: is_name(text, sentence.begins[i], sentence.ends[i]))
    if not corrections:
        return unit, corrections
    words = tuple(corrections.get(i, word) for i, word in enumerate(sentence.words))
    return unit._replace(sentence=sentence._replace(words=words)), corrections


def _spelling(mention: Match[Any], words: Sequence[str], corrections: dict[int, str]) -> str | None:
    """The words that a misspelled mention was read as."""
    if not corrections or corrections.keys().isdisjoint(mention.words):
        return None
    return " ".join(words[mention.first : mention.last + 1])


def _mention_facts(
    unit: Unit,
    following: Unit | None,
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
        position = _position(unit, following, mention, devices)
        own = surroundings.of(mention, is_before_only=True)
        qualifiers = replace(qualifiers, laterality=own.laterality, anatomy=own.anatomy)
    nearby = _nearby(unit, surroundings.reach(mention), mention, qualifiers.laterality)
    if decision.assertion == "family":
        nearby -= PERSONAL
    return MentionFacts(decision, qualifiers, position, NO_SIZES if decision.assertion == "absent" else sizes, nearby)


def _finding(
    unit: Unit,
    section: str,
    match: Match[Concept],
    facts: MentionFacts,
    score: float | None = None,
    read_as: str | None = None,
) -> Finding:
    concept = match.value
    link = vocabulary().link(concept.name, facts.nearby)
    settled = in_section(facts.decision, concept.category, section)
    row: dict[str, Any] = {
        "text": unit.span(match.first, match.last),
        "section": section,
        "concept": concept.name,
        "category": concept.category,
        "assertion": settled.assertion,
        "certainty": settled.certainty,
        "cue": settled.cue,
        "icd10cm_code": link.code,
        "icd10cm_description": link.description,
        "icd10cm_billable": True if link.code else None,
        "icd10cm_release": ICD10CM_RELEASE if link.code else None,
        "score": link.score if score is None else score,
        "severity": facts.qualifiers.severity,
        "change": facts.qualifiers.change,
        "laterality": facts.qualifiers.laterality,
        "anatomy": facts.qualifiers.anatomy,
        "position": facts.position,
        "organ": concept.organ,
        "size_mm": facts.sizes.size_mm,
        "prior_size_mm": facts.sizes.prior_size_mm,
        "above_carina_mm": facts.sizes.above_carina_mm,
        "spelling": read_as,
    }
    return Finding(unit.sentence.begins[match.first], unit.sentence.ends[match.last], row)


def _is_of_tip(unit: Unit) -> bool:
    """Whether a unit goes on about the tip of the device before it."""
    return "tip" in unit.words[:2]


def _position(unit: Unit, following: Unit | None, mention: Match[Concept], devices: list[int]) -> str | None:
    """What is said of where a device lies, in its unit or in the next one if that goes on about its tip."""
    text, end = unit.text, unit.sentence.ends[-1]
    if following is not None and _is_of_tip(following):
        text, end = f"{text} {following.text}", len(text) + 1 + following.sentence.ends[-1]
    return position_statement(text, unit.sentence.ends[mention.last], end, devices)


def _nearby(unit: Unit, reach: tuple[int, int], mention: Match[Concept], laterality: str | None) -> set[str]:
    """The words that may choose a mention's code: those close to it, with its own side in place of any they name."""
    low = max(reach[0], mention.first - QUALIFIER_WORDS)
    high = min(max(reach[1], mention.last), mention.last + QUALIFIER_WORDS) + 1
    spans = zip(unit.sentence.begins[low:high], unit.sentence.ends[low:high], strict=True)
    words = {unit.text[begin:end].lower() for begin, end in spans}
    return words - {"left", "right", "bilateral"} | ({laterality} if laterality else set())


def _is_whole(statement: Match[Any], named: set[int]) -> bool:
    """Whether no finding is named inside the statement: "heart enlarged, lungs normal" does not call the heart normal."""
    return not any(i in named and i not in statement.words for i in range(statement.first, statement.last))
