"""The protocol of mention readers, and the deployment's choice.

Belongs here: the protocol and the choice between its two implementations. Sections, the report-level status and the eight
lists are the same for both; only the mentions differ.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from medsearch_core.records import EntityRecord
from medsearch_core.reports.entities import find_entities
from medsearch_core.reports.gates.examination import Examination
from medsearch_core.reports.read import NER_VERSION
from medsearch_core.reports.text.sections import Section
from medsearch_pipeline.report_readers.comprehend import ComprehendReader, Thresholds, comprehend_version, open_client
from medsearch_pipeline.settings import Settings


class MentionReader(Protocol):
    """Finds the mentions of one report after another."""

    @property
    def version(self) -> str:
        """The version stored with the results. A new version makes every report stale."""

    @property
    def usage(self) -> Counter[str]:
        """Usage of a paid service since the reader was opened, as counts."""

    def find(self, report_id: str, text: str, sections: list[Section], examination: Examination) -> list[EntityRecord]:
        """The mentions of a report in text order."""


@dataclass(frozen=True)
class RulesReader:
    """The project's own rules, in this process, free of charge."""

    version: str = NER_VERSION
    usage: Counter[str] = field(default_factory=Counter)

    def find(self, report_id: str, text: str, sections: list[Section], examination: Examination) -> list[EntityRecord]:
        """The mentions that the rules find."""
        return find_entities(report_id, text, sections, examination)


def thresholds_of(settings: Settings) -> Thresholds:
    """The deployment's minimum scores for the service's results."""
    return Thresholds(
        settings.comprehend_min_entity_score, settings.comprehend_min_trait_score, settings.comprehend_min_code_score
    )


def reader_version(settings: Settings) -> str:
    """The version of a deployment's reader, without opening it."""
    return NER_VERSION if settings.report_reader == "rules" else comprehend_version(thresholds_of(settings))


def open_reader(settings: Settings) -> MentionReader:
    """The reader of a deployment; raises `ConfigurationError` if the service has no region."""
    if settings.report_reader == "rules":
        return RulesReader()
    return ComprehendReader(open_client(settings.comprehend_region), thresholds_of(settings))
