"""One report from bytes to its rows: the entry point of this package.

Belongs here: the order of the steps. Everything is a pure function of the bytes and the data files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from medsearch_core.records import EntityRecord, ReportRecord
from medsearch_core.reports.data_files import ner_version
from medsearch_core.reports.entities import find_entities
from medsearch_core.reports.extracts.categories import categories_of
from medsearch_core.reports.extracts.communication import is_communicated
from medsearch_core.reports.extracts.recommendations import recommendations_of
from medsearch_core.reports.gates.examination import Examination, examination_of
from medsearch_core.reports.gates.language import language_of
from medsearch_core.reports.resolve import polarity_lists
from medsearch_core.reports.text.decode import decode_report
from medsearch_core.reports.text.sections import Section, section_text, split_sections

Finder = Callable[[str, str, list[Section], Examination], list[EntityRecord]]
"""Finds the mentions of a report: its id, its text, its sections and what was examined."""

Described = tuple[str | None, str | None, str | None]
"""Modality, BodyPartExamined and StudyDescription of a study's images."""

READ_LANGUAGE = "English"
"""The one language whose reports are read."""

NER_VERSION = ner_version()
"""Version of the rules and of every data file: it changes with any edit of the vocabulary."""


def read_report(
    data: bytes,
    *,
    report_id: str,
    patient: str,
    study: str,
    key: str,
    find: Finder = find_entities,
    version: str = NER_VERSION,
    described: Callable[[], Described] = lambda: (None, None, None),
) -> tuple[ReportRecord, list[EntityRecord]]:
    """A report's row and the rows of its mentions.

    A report without a FINDINGS header has the text outside known sections as its findings. `find` finds the mentions, by rules
    of this `version` where it is not given. `described` gives what DICOM says of the study, and is asked only for what the
    report itself leaves open. A report that is not in English has no mentions, and says so in `not_read`.

    Raises:
        BadInput: `empty_object`, `undecodable_text` or `empty_report`.
    """
    text, encoding = decode_report(data)
    sections = split_sections(text)
    language = language_of(text)
    examination = examination_of(text, sections)
    if examination.modality is None or not examination.body_parts:
        examination = examination_of(text, sections, *described())
    entities = find(report_id, text, sections, examination) if language == READ_LANGUAGE else []
    both = "findings and impression"
    report = ReportRecord(
        report_id=report_id,
        patient=patient,
        study=study,
        key=key,
        sha256=hashlib.sha256(data).hexdigest(),
        encoding=encoding,
        ner_version=version,
        text=text,
        examination=section_text(text, sections, "examination"),
        indication=section_text(text, sections, "indication"),
        technique=section_text(text, sections, "technique"),
        comparison=section_text(text, sections, "comparison"),
        findings=section_text(text, sections, "findings", both) or section_text(text, sections, ""),
        impression=section_text(text, sections, "impression", both),
        **polarity_lists(entities, sections, text),
        language=language,
        exam_modality=examination.modality,
        exam_body_parts=list(examination.body_parts),
        categories=categories_of(text),
        recommendations=recommendations_of(text, sections),
        is_communicated=is_communicated(text, sections),
        not_read=None if language == READ_LANGUAGE else f"language: {language}",
    )
    return report, entities
