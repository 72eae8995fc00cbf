"""Marked mentions: texts with one mention in square brackets each, and what has to be read there.

Belongs here: the meaning of a corpus's columns, and the check of one row. `text` has the mention in brackets and `\\n` where a
line ends; `mention` is the concept, or empty where nothing may be read inside the brackets; `assertion` and `code` are what it
says (code `-`: none); `said` is `name=value;...` of the other columns of `report_entities`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


def read_annotated_mentions(rows: Iterable[Mapping[str, str]]) -> list[AnnotatedMention]:
    """The rows of a corpus; raises `ConfigurationError` for one without a marked mention."""
    found = []
    for row in rows:
        marked = AnnotatedMention(
            row["phenomenon"], row["text"].replace("\\n", "\n"), row["mention"], row["assertion"], row["code"], row["said"]
        )
        if not 0 <= marked.annotated_text.find("[") < marked.annotated_text.find("]"):
            raise ConfigurationError(f"a text of the corpus has no mention in brackets: {marked.annotated_text}")
        found.append(marked)
    return found


def describe_mismatch(row: AnnotatedMention) -> str | None:
    """What is read otherwise than the corpus says, in one sentence; None where all of it holds."""
    begin, end = row.span
    found = read_text(row.text, "corpus").entities
    if not row.mention:
        inside = [e for e in found if e.begin < end and begin < e.end]
        return f"read as {inside[0].concept}, {inside[0].assertion}" if inside else None
    at = [e for e in found if (e.begin, e.end, e.concept) == (begin, end, row.mention)]
    if not at:
        near = [f"{e.concept} at {e.text!r}" for e in found if e.begin < end and begin < e.end]
        return f"not read there; {', '.join(near) or 'nothing is'}"
    return _difference(row, at[0])


def _difference(row: AnnotatedMention, entity: EntityRecord) -> str | None:
    if entity.assertion != row.assertion:
        return f"{entity.assertion} by {entity.cue!r}, not {row.assertion}"
    if row.code and (entity.icd10cm_code or "-") != row.code:
        return f"linked to {entity.icd10cm_code}, not {row.code}"
    for pair in filter(None, row.expected_columns.split(";")):
        name, _, value = pair.partition("=")
        if (getattr(entity, name) or "") != value:
            return f"{name} is {getattr(entity, name)!r}, not {value!r}"
    return None
