"""The documents of a study in the index, and how they are made from the warehouse's rows.

One `ImageDocument` per embedded image and one `ReportDocument` per report. An image carries its report's codes, so that "images
like this one, without pneumothorax" is one filter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from medsearch_core.keys import StudyKey
from medsearch_core.records import EmbeddingRecord, ImageRecord, ReportRecord
from medsearch_core.search.facets import FACETS, add_facets


@dataclass(frozen=True, kw_only=True)
@add_facets(after="report_id", name=lambda facet: facet.column, hint="str | None", default=lambda _: None)
class ImageDocument:
    """One image as stored in the index, with its value of each facet.

    `vector` is float32 of the index's dimensions, and empty in search results.
    """

    image_id: str
    patient: str
    study: str
    report_id: str | None
    patient_sex: str | None = None
    patient_age_years: float | None = None
    study_date: str | None = None
    is_representative: bool = True
    present_codes: Sequence[str] = ()
    absent_codes: Sequence[str] = ()
    uncertain_codes: Sequence[str] = ()
    tags: Sequence[str] = ()
    source_key: str
    sha256: str
    model_id: str
    model_version: str
    vector: Sequence[float] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True)
@add_facets(after="uncertain_codes", name=lambda facet: facet.name, hint="Sequence[str]", default=lambda _: ())
class ReportDocument:
    """One report as stored in the index, with patient and examination data from its study's images: for each facet, all
    values of the images."""

    report_id: str
    patient: str
    study: str
    examination: str | None = None
    indication: str | None = None
    technique: str | None = None
    findings: str | None = None
    impression: str | None = None
    text: str = field(repr=False)
    positive_diagnoses: Sequence[str] = ()
    negative_diagnoses: Sequence[str] = ()
    positive_icd10cms: Sequence[str] = ()
    negative_icd10cms: Sequence[str] = ()
    positive_signs: Sequence[str] = ()
    negative_signs: Sequence[str] = ()
    positive_symptoms: Sequence[str] = ()
    negative_symptoms: Sequence[str] = ()
    present_codes: Sequence[str] = ()
    absent_codes: Sequence[str] = ()
    uncertain_codes: Sequence[str] = ()
    tags: Sequence[str] = ()
    patient_sex: str | None = None
    patient_age_years: float | None = None
    study_date: str | None = None
    source_key: str
    sha256: str
    ner_version: str


@dataclass(frozen=True, kw_only=True)
class StudyDocuments:
    """All documents of one study. An upsert replaces all of them at once; empty lists remove the study.

    `inputs` is the digest of what the documents were made from, so that an unchanged study is not written again.
    """

    study: StudyKey
    images: Sequence[ImageDocument] = ()
    reports: Sequence[ReportDocument] = ()
    inputs: str = ""


def fields_of(document: ImageDocument | ReportDocument) -> dict[str, Any]:
    """A document's fields by name as they are stored, without an image's vector. A NaN age becomes null."""
    found = {f.name: getattr(document, f.name) for f in fields(document) if f.name != "vector"}
    age = found["patient_age_years"]
    return found | {"patient_age_years": None if age is None or math.isnan(age) else age}


def last_of_each(studies: Sequence[StudyDocuments]) -> list[StudyDocuments]:
    """The studies, with only the last of each key."""
    return list({study.study: study for study in studies}.values())


def is_changed(study: StudyDocuments, is_stored: bool, inputs: str | None) -> bool:
    """Whether an upsert has to write a study.

    Args:
        is_stored: whether the index holds any of its documents.
        inputs: the digest it was completely written with; None if it never was.
    """
    if not (study.images or study.reports):
        return is_stored
    return not study.inputs or study.inputs != inputs


def study_documents(
    study: StudyKey,
    images: Sequence[ImageRecord],
    embeddings: Sequence[EmbeddingRecord],
    reports: Sequence[ReportRecord],
    inputs: str,
    tags: Sequence[str] = (),
) -> StudyDocuments:
    """The documents of a study from its rows, all with the study's tags. An image without an embedding has no document."""
    embedding_of = {e.image_id: e for e in embeddings}
    report = reports[0] if reports else None
    documents = [_image(i, embedding_of[i.image_id], report, tags) for i in images if i.image_id in embedding_of]
    texts = [_report(r, images, tags) for r in reports]
    return StudyDocuments(study=study, images=documents, reports=texts, inputs=inputs)


def _image(image: ImageRecord, embedding: EmbeddingRecord, report: ReportRecord | None, tags: Sequence[str]) -> ImageDocument:
    return ImageDocument(
        image_id=image.image_id,
        patient=image.patient,
        study=image.study,
        report_id=report.report_id if report else None,
        **{facet.column: getattr(image, facet.column) for facet in FACETS},
        patient_sex=image.patient_sex,
        patient_age_years=image.patient_age_years,
        study_date=image.study_date,
        is_representative=image.is_representative,
        present_codes=report.present_codes if report else (),
        absent_codes=report.absent_codes if report else (),
        uncertain_codes=report.uncertain_codes if report else (),
        tags=tags,
        source_key=image.key,
        sha256=image.sha256,
        model_id=embedding.model_id,
        model_version=embedding.model_version,
        vector=embedding.vector,
    )


REPORT_LISTS = (
    "positive_diagnoses",
    "negative_diagnoses",
    "positive_icd10cms",
    "negative_icd10cms",
    "positive_signs",
    "negative_signs",
    "positive_symptoms",
    "negative_symptoms",
    "present_codes",
    "absent_codes",
    "uncertain_codes",
)
"""The fields that list what a report states as present, absent or uncertain."""

_SHARED_WITH_RECORD = (
    *REPORT_LISTS,
    "report_id",
    "patient",
    "study",
    "examination",
    "indication",
    "technique",
    "findings",
    "impression",
    "text",
    "ner_version",
    "sha256",
)


def _report(report: ReportRecord, images: Sequence[ImageRecord], tags: Sequence[str]) -> ReportDocument:
    first = images[0] if images else None
    values: dict[str, Any] = {
        facet.name: sorted({value for image in images if (value := getattr(image, facet.column))}) for facet in FACETS
    }
    return ReportDocument(
        **{name: getattr(report, name) for name in _SHARED_WITH_RECORD},
        **values,
        tags=tags,
        patient_sex=first.patient_sex if first else None,
        patient_age_years=first.patient_age_years if first else None,
        study_date=first.study_date if first else None,
        source_key=report.key,
    )
