"""From Comprehend Medical's responses to mentions. Pure.

Belongs here: the service's entities, traits and attributes in this project's terms. `DetectEntitiesV2` returns mentions with
traits and attributes; `InferICD10CM` returns codes. Entities of both are the same if their spans overlap. A concept has the
vocabulary's name if the vocabulary knows the words, otherwise the words themselves, so that both readers use the same terms.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from medsearch_core.records import EntityRecord
from medsearch_core.reports.context.assertion import PRIORITY, Decision, in_section
from medsearch_core.reports.context.qualifiers import qualifiers_of
from medsearch_core.reports.lexicon.chapters import is_plausible
from medsearch_core.reports.lexicon.mentions import resolved_mentions
from medsearch_core.reports.text.lines import SENTENCE_END
from medsearch_core.reports.text.sections import Section
from medsearch_core.reports.text.units import read_units

ASSERTIONS = {
    "PERTAINS_TO_FAMILY": "family",
    "NEGATION": "absent",
    "HYPOTHETICAL": "hypothetical",
    "FUTURE": "hypothetical",
    "PAST_HISTORY": "historical",
    "LOW_CONFIDENCE": "uncertain",
}
"""Trait → assertion of the mention; of several traits, the first in ConText's order applies."""

CATEGORIES = {"DIAGNOSIS": "diagnosis", "SIGN": "sign", "SYMPTOM": "symptom"}

QUALIFYING = frozenset({"ACUITY", "DIRECTION", "SYSTEM_ORGAN_SITE", "QUALITY", "QUANTITY"})
"""Attributes whose words give severity, change, laterality and location."""

DEVICE_CATEGORY = "TEST_TREATMENT_PROCEDURE"


@dataclass(frozen=True)
class Thresholds:
    """Minimum scores, 0 to 1, of results to accept."""

    entity: float
    trait: float
    code: float


@dataclass(frozen=True)
class Code:
    """An ICD-10-CM concept of a response."""

    code: str
    description: str
    score: float


@dataclass(frozen=True)
class DetectedEntity:
    """One entity of a response, with offsets in the report's text."""

    begin: int
    end: int
    score: float
    category: str
    traits: dict[str, float]
    attributes: tuple[str, ...]
    codes: tuple[Code, ...] = field(default=())


def entities_of(answer: dict[str, Any], offset: int, min_scores: Thresholds) -> list[DetectedEntity]:
    """The conditions and procedures in the response for the chunk that begins at `offset`."""
    return [
        DetectedEntity(
            begin=entity["BeginOffset"] + offset,
            end=entity["EndOffset"] + offset,
            score=entity["Score"],
            category=entity["Category"],
            traits={t["Name"]: t["Score"] for t in entity.get("Traits", ()) if t["Score"] >= min_scores.trait},
            attributes=tuple(a["Text"] for a in entity.get("Attributes", ()) if a["Type"] in QUALIFYING),
            codes=tuple(
                Code(c["Code"], c["Description"], c["Score"])
                for c in entity.get("ICD10CMConcepts", ())
                if c["Score"] >= min_scores.code
            ),
        )
        for entity in answer["Entities"]
        if entity["Score"] >= min_scores.entity
        and (entity["Category"] == DEVICE_CATEGORY or (entity["Category"], entity["Type"]) == ("MEDICAL_CONDITION", "DX_NAME"))
    ]


def mentions_of(
    report_id: str,
    text: str,
    sections: Sequence[Section],
    detected: Sequence[DetectedEntity],
    coded: Sequence[DetectedEntity],
    release: str,
    is_billable: Callable[[str], bool | None],
) -> list[EntityRecord]:
    """The mentions of a report, from all responses of both operations."""
    found = [
        mention
        for entity in _merge_codes(detected, coded)
        if (mention := _mention(report_id, text, sections, entity, release, is_billable)) is not None
    ]
    return sorted(found, key=lambda e: (e.begin, e.end, e.concept))


def _merge_codes(detected: Sequence[DetectedEntity], coded: Sequence[DetectedEntity]) -> list[DetectedEntity]:
    """The entities of both operations, merged: traits and attributes of both, the codes of the second."""
    joined: list[DetectedEntity] = []
    taken: set[int] = set()
    for entity in detected:
        same = [c for c in coded if c.begin < entity.end and entity.begin < c.end and c.category == entity.category]
        taken.update(map(id, same))
        for other in same:
            traits = {t: max(entity.traits.get(t, 0), other.traits.get(t, 0)) for t in {*entity.traits, *other.traits}}
            attributes = (*entity.attributes, *(a for a in other.attributes if a not in entity.attributes))
            entity = replace(entity, traits=traits, attributes=attributes, codes=(*entity.codes, *other.codes))
        joined.append(entity)
    return [*joined, *(entity for entity in coded if id(entity) not in taken)]


def _mention(
    report_id: str,
    text: str,
    sections: Sequence[Section],
    entity: DetectedEntity,
    release: str,
    is_billable: Callable[[str], bool | None],
) -> EntityRecord | None:
    words = text[entity.begin : entity.end]
    concept, known = _concept(words)
    if entity.category == DEVICE_CATEGORY and known != "device":
        return None
    category = known if known == "device" else _category(entity.traits, known)
    section = _section(sections, entity.begin)
    settled = in_section(_decision(entity.traits), category, section)
    code = _code(entity.codes, _sentence(text, entity.begin, entity.end))
    qualifiers = qualifiers_of(" ".join((*entity.attributes, words)))
    return EntityRecord(
        report_id=report_id,
        text=words,
        begin=entity.begin,
        end=entity.end,
        section=section,
        concept=concept,
        category=category,
        assertion=settled.assertion,
        certainty=settled.certainty,
        cue=settled.cue,
        icd10cm_code=code.code if code else None,
        icd10cm_description=code.description if code else None,
        icd10cm_billable=is_billable(code.code) if code else None,
        icd10cm_release=release if code else None,
        score=code.score if code else entity.score,
        severity=qualifiers.severity,
        change=qualifiers.change,
        laterality=qualifiers.laterality,
        anatomy=qualifiers.anatomy,
    )


def _concept(words: str) -> tuple[str, str]:
    """The vocabulary's concept for these words and its category, or the words themselves and no category."""
    for _, unit in read_units(words, 0, len(words)):
        for mention in resolved_mentions(unit):
            if mention.value.name:
                return mention.value.name, mention.value.category
    return " ".join(words.lower().split()), ""


def _category(traits: dict[str, float], known: str) -> str:
    named = {CATEGORIES[trait]: score for trait, score in traits.items() if trait in CATEGORIES}
    return max(named, key=lambda name: named[name]) if named and not known else known or "diagnosis"


def _decision(traits: dict[str, float]) -> Decision:
    """The assertion, and as its cue the trait that decided it."""
    deciding = [trait for trait in traits if trait in ASSERTIONS]
    if not deciding:
        return Decision()
    trait = min(deciding, key=lambda name: (PRIORITY.index(ASSERTIONS[name]), -traits[name]))
    return Decision(ASSERTIONS[trait], "possible" if ASSERTIONS[trait] == "uncertain" else None, trait)


def _code(codes: Iterable[Code], sentence: str) -> Code | None:
    """The most likely code that a mention in this sentence may have."""
    plausible = [code for code in codes if is_plausible(code.code, sentence)]
    return max(plausible, key=lambda code: code.score, default=None)


def _section(sections: Sequence[Section], begin: int) -> str:
    i = bisect_right([section.begin for section in sections], begin) - 1
    return sections[i].name if i >= 0 and begin < sections[i].end else ""


def _sentence(text: str, begin: int, end: int) -> str:
    starts = [match.end() for match in SENTENCE_END.finditer(text, 0, begin)]
    following = SENTENCE_END.search(text, end)
    return text[starts[-1] if starts else 0 : following.start() if following else len(text)]
