"""One study's reports: decode, read sections and entities, write rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from medsearch_core.errors import BadInput
from medsearch_core.keys import StudyKey, digest_of
from medsearch_core.records import EntityRecord, LandedObject, Rejection, ReportRecord
from medsearch_core.reports.read import Described, read_report
from medsearch_core.storage.object_store import ObjectStore
from medsearch_core.storage.warehouse import Warehouse, rejections_path, study_path
from medsearch_pipeline.report_readers.reader import MentionReader, reader_version
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.landed_objects import read_landed, read_landed_header, rejection_of, versions_of

STAGE = "report_entities"


@dataclass(frozen=True)
class StudyReportBuilder:
    """Builds a study's reports in the warehouse from the landing store."""

    landing: ObjectStore
    warehouse: Warehouse
    mentions: MentionReader

    def inputs(self, objects: Sequence[LandedObject]) -> str:
        """The digest of everything a study's reports are made from."""
        return report_inputs_digest(versions_of(objects), self.mentions.version)

    def is_current(self, study: StudyKey, objects: Sequence[LandedObject]) -> bool:
        """Whether the study's rows were made from exactly these reports by this exact reader."""
        paths = study_path("report_entities", study), study_path("reports", study), rejections_path(STAGE, study)
        return self.warehouse.is_made_from(self.inputs(objects), *paths)

    def build(self, study: StudyKey, objects: Sequence[LandedObject], dicom: str | None = None) -> None:
        """Writes a study's reports, entities and rejections.

        A report's id is the study part of its study's key, or `<patient>_<study>` if another patient has the same study part.
        A second report of a study gets the suffix `_2`. If a report does not say what was examined, the header of the study's
        object `dicom` does; images that arrive after their report do not cause it to be read again.
        """
        reports: list[ReportRecord] = []
        entities: list[EntityRecord] = []
        rejections: list[Rejection] = []
        for item in sorted(objects, key=lambda o: o.key):
            name = f"{study.patient}_{study.study}" if item.is_study_shared else study.study
            report_id = name if not reports else f"{name}_{len(reports) + 1}"
            try:
                report, found = read_report(
                    read_landed(self.landing, item.key),
                    report_id=report_id,
                    patient=study.patient,
                    study=study.study,
                    key=item.key,
                    find=self.mentions.find,
                    version=self.mentions.version,
                    described=lambda: self._examined(dicom),
                )
            except BadInput as fault:
                rejections.append(rejection_of(STAGE, study, item, fault))
                continue
            reports.append(report)
            entities += found
        inputs = self.inputs(objects)
        self.warehouse.write_rows(Rejection, rejections_path(STAGE, study), rejections, inputs)
        self.warehouse.write_rows(EntityRecord, study_path("report_entities", study), entities, inputs)
        self.warehouse.write_rows(ReportRecord, study_path("reports", study), reports, inputs)

    def _examined(self, key: str | None) -> Described:
        """What the header of one of the study's DICOM objects says was examined; nothing if there is none to read."""
        header = read_landed_header(self.landing, key) if key is not None else None
        if header is None:
            return None, None, None
        modality, body_part, description = (
            str(header.get(name) or "").strip() or None for name in ("Modality", "BodyPartExamined", "StudyDescription")
        )
        return modality, body_part, description


def report_inputs_digest(versions: Iterable[str], ner_version: str) -> str:
    """The digest of everything a study's reports are made from; `versions` are those of the landed
    reports, in any order, `ner_version` that of the reader."""
    return digest_of("reports", ner_version, *sorted(versions))


def report_digest_for(settings: Settings) -> Callable[[Iterable[str]], str]:
    """`report_inputs_digest` with the settings of a deployment."""
    return partial(report_inputs_digest, ner_version=reader_version(settings))
