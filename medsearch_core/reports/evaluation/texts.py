"""Texts to what is read in them, as a report that lands is read.

Belongs here: what every measure reads, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from medsearch_core.errors import BadInput
from medsearch_core.records import EntityRecord
from medsearch_core.reports.read import read_report
from medsearch_core.reports.text.sections import Section, split_sections

NO_TEXT = frozenset({"empty_object", "empty_report"})
"""Why a report is refused that has nothing to read."""


@dataclass(frozen=True)
class ReadText:
    """A report, read once: what every measure counts again."""

    text: str
    sections: list[Section]
    entities: list[EntityRecord]
    not_read: str | None = None


def read_text(text: str, name: str) -> ReadText:
    """A text, read by the rules; one without a word has no mentions."""
    try:
        report, entities = read_report(text.encode(), report_id=name, patient="", study="", key="")
    except BadInput as fault:
        if fault.reason not in NO_TEXT:
            raise
        return ReadText(text, [], [])
    return ReadText(report.text, split_sections(report.text), entities, report.not_read)


def read_texts(texts: Mapping[str, str]) -> dict[str, ReadText]:
    """Every text, read by the rules."""
    return {name: read_text(text, name) for name, text in texts.items()}
