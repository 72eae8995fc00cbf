"""Sentences and short reports, each with what has to be read in it: hard cases that no gold standard of reports tells apart.

Belongs here: the meaning of the columns, and the check of one row. `text` has the mention in square brackets, or none where
`status` alone is given, and `\\n` where a line ends; `mention` is its concept, or empty where nothing may be read inside the
brackets; with a `status` a finding of another organ may, such as a renal mass that is no lung mass. A mention counts
as found where one of its concept overlaps the brackets. `assertion`, `code` and `said` are as in a corpus of marked mentions;
`accepted` stands in place of `assertion`: alternatives with `|`, or `!x` for any but x. `status` is what the report as a whole
says of a concept: `concept=present`, absent or uncertain, or `concept=!x` for anything but x, silence included; several are
separated by `;`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from medsearch_core.errors import ConfigurationError
from medsearch_core.records import EntityRecord
from medsearch_core.reports.evaluation.corpus import (
    AnnotatedMention,
    describe_absence,
    describe_assertion,
    describe_difference,
    describe_unwanted,
    has_marked_mention,
    overlapping,
)
from medsearch_core.reports.evaluation.texts import read_text
from medsearch_core.reports.resolve import STATUSES, resolve_concepts

REQUIRED = ("phenomenon", "text")
COLUMNS = (*REQUIRED, "mention", "assertion", "code", "said", "status", "accepted")
ASSERTIONS = frozenset({"present", "absent", "uncertain", "hypothetical", "historical", "family"})


@dataclass(frozen=True)
class Sentence:
    """One text and what has to be read in it."""

    marked: AnnotatedMention
    accepted: str
    status: str

    @property
    def is_marked(self) -> bool:
        """Whether something is expected inside brackets, be it nothing at all."""
        return has_marked_mention(self.marked.annotated_text)


def read_sentences(rows: Iterable[Mapping[str, str | None]]) -> list[Sentence]:
    """The rows of a file of sentences.

    Raises:
        ConfigurationError: a row expects nothing, or something that no report can say.
    """
    return [_read_sentence(number, row) for number, row in enumerate(rows, 1)]


def _read_sentence(number: int, row: Mapping[str, str | None]) -> Sentence:
    phenomenon, text, mention, assertion, code, said, status, accepted = (row.get(name) or "" for name in COLUMNS)
    marked = AnnotatedMention(phenomenon, text.replace("\\n", "\n"), mention, assertion, code, said)
    sentence = Sentence(marked, accepted or assertion, status)
    if fault := _find_fault(sentence):
        raise ConfigurationError(f"sentence {number}, {text}: {fault}")
    return sentence


def _find_fault(sentence: Sentence) -> str | None:
    marked = sentence.marked
    if not sentence.is_marked and (marked.mention or not sentence.status):
        return "put the mention in square brackets, or give a status alone"
    if marked.mention and not _values(sentence.accepted) <= ASSERTIONS:
        return f"the assertion {sentence.accepted or 'is missing'}: give one of {', '.join(sorted(ASSERTIONS))}"
    names = {pair.partition("=")[0] for pair in filter(None, marked.expected_columns.split(";"))}
    if unknown := sorted(names - {field.name for field in fields(EntityRecord)}):
        return f"{unknown[0]} is no column of report_entities"
    if not all(_values(value) <= set(STATUSES) for _, value in _statuses(sentence)):
        return f"the status {sentence.status}: give concept=status with one of {', '.join(STATUSES)}"
    return None


def _values(expected: str) -> set[str]:
    return set(expected.removeprefix("!").split("|"))


def _statuses(sentence: Sentence) -> list[tuple[str, str]]:
    pairs = (pair.partition("=") for pair in filter(None, sentence.status.split(";")))
    return [(concept, value) for concept, _, value in pairs]


def _accepts(expected: str, value: str) -> bool:
    """Whether a value is one of `a|b`, or is not the one of `!a`."""
    return (value in _values(expected)) != expected.startswith("!")


def describe_misreading(sentence: Sentence) -> str | None:
    """What is read otherwise than expected, in one sentence; None where all of it holds."""
    read = read_text(sentence.marked.text if sentence.is_marked else sentence.marked.annotated_text, "sentence")
    fault = _describe_mention(sentence, overlapping(read.entities, sentence.marked.span)) if sentence.is_marked else None
    if fault is None and sentence.status:
        resolved = {concept: status for concept, (status, _) in resolve_concepts(read.entities, read.sections).items()}
        for concept, expected in _statuses(sentence):
            said = resolved.get(concept, "not asserted")
            if not _accepts(expected, said):
                fault = f"{concept} is {said} in the report, not {expected}"
                break
    return f"{fault} (not read: {read.not_read})" if fault and read.not_read else fault


def _describe_mention(sentence: Sentence, inside: list[EntityRecord]) -> str | None:
    marked = sentence.marked
    if not marked.mention:
        ruled_out = {concept for concept, _ in _statuses(sentence)}
        return describe_unwanted([e for e in inside if not (ruled_out and e.organ) or e.concept in ruled_out])
    found = [e for e in inside if e.concept == marked.mention]
    if not found:
        return describe_absence(inside)
    faults = [_describe_entity(sentence, entity) for entity in found]
    return None if None in faults else faults[0]


def _describe_entity(sentence: Sentence, entity: EntityRecord) -> str | None:
    if not _accepts(sentence.accepted, entity.assertion):
        return describe_assertion(entity, sentence.accepted)
    return describe_difference(entity, sentence.marked.code, sentence.marked.expected_columns)
