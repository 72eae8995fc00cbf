"""Marked mentions: texts with one mention in square brackets each, and what has to be read there.

Belongs here: the meaning of a corpus's columns, and the check of one row. `text` has the mention in brackets and `\\n` where a
line ends; `mention` is the concept, or empty where nothing may be read inside the brackets; `assertion` and `code` are what it
says (code `-`: none); `said` is `name=value;...` of the other columns of `report_entities`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from medsearch_core.errors import ConfigurationError
from medsearch_core.records import EntityRecord
from medsearch_core.reports.evaluation.texts import read_text


@dataclass(frozen=True)
class AnnotatedMention:
    """One mention that has to be read, or must not be."""

    phenomenon: str
    annotated_text: str
    mention: str
    assertion: str
    code: str
    expected_columns: str

    @property
    def text(self) -> str:
        """The text without its brackets."""
        return self.annotated_text.replace("[", "", 1).replace("]", "", 1)

    @property
    def span(self) -> tuple[int, int]:
        """The offsets of the mention in `text`."""
        return self.annotated_text.index("["), self.annotated_text.index("]") - 1


def has_marked_mention(text: str) -> bool:
    """Whether a text has brackets, the closing one behind the opening one."""
    return 0 <= text.find("[") < text.find("]")


def read_annotated_mentions(rows: Iterable[Mapping[str, str]]) -> list[AnnotatedMention]:
    """The rows of a corpus; raises `ConfigurationError` for one without a marked mention."""
    found = []
    for row in rows:
        marked = AnnotatedMention(
            row["phenomenon"], row["text"].replace("\\n", "\n"), row["mention"], row["assertion"], row["code"], row["said"]
        )
        if not has_marked_mention(marked.annotated_text):
            raise ConfigurationError(f"a text of the corpus has no mention in brackets: {marked.annotated_text}")
        found.append(marked)
    return found


def describe_mismatch(row: AnnotatedMention) -> str | None:
    """What is read otherwise than the corpus says, in one sentence; None where all of it holds."""
    entities = read_text(row.text, "corpus").entities
    if not row.mention:
        return describe_unwanted(overlapping(entities, row.span))
    at = [e for e in entities if (e.begin, e.end, e.concept) == (*row.span, row.mention)]
    if not at:
        return describe_absence(overlapping(entities, row.span))
    if at[0].assertion != row.assertion:
        return describe_assertion(at[0], row.assertion)
    return describe_difference(at[0], row.code, row.expected_columns)


def overlapping(entities: Iterable[EntityRecord], span: tuple[int, int]) -> list[EntityRecord]:
    """The mentions that share a character with a span."""
    begin, end = span
    return [e for e in entities if e.begin < end and begin < e.end]


def describe_unwanted(inside: Sequence[EntityRecord]) -> str | None:
    """What is read where nothing may be read."""
    return f"read as {inside[0].concept}, {inside[0].assertion}" if inside else None


def describe_absence(inside: Sequence[EntityRecord]) -> str:
    """What is read in place of an expected mention."""
    return f"not read there; {', '.join(f'{e.concept} at {e.text!r}' for e in inside) or 'nothing is'}"


def describe_assertion(entity: EntityRecord, expected: str) -> str:
    """The assertion that is read in place of the expected one."""
    return f"{entity.assertion} by {entity.cue!r}, not {expected}"


def describe_difference(entity: EntityRecord, code: str, expected_columns: str) -> str | None:
    """The code, or the first of the other columns, that is not as expected; None where all are."""
    if code and (entity.icd10cm_code or "-") != code:
        return f"linked to {entity.icd10cm_code}, not {code}"
    for pair in filter(None, expected_columns.split(";")):
        name, _, value = pair.partition("=")
        read = getattr(entity, name)
        if _written(read) != value:
            return f"{name} is {read!r}, not {value!r}"
    return None


def _written(value: object) -> str:
    """A column's value as a corpus writes it: nothing for null, and 32 for 32.0."""
    return f"{value:g}" if isinstance(value, float) else str(value or "")
