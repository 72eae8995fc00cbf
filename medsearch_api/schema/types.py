"""Image, Report and Study: the objects in the index, the links between them, and lists of them.

Belongs here: types that link to other types, resolved through the request's loaders. Not here: queries.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Self

import strawberry

from medsearch_api.backends.context import Info
from medsearch_api.backends.tables import WarehouseReport
from medsearch_api.imaging.frames import frame_url
from medsearch_api.imaging.thumbnails import small_thumbnail_url, thumbnail_url
from medsearch_api.schema.arguments import argument
from medsearch_api.schema.details import Entity, ImageDetail, ImageProvenance, Reading, ReportProvenance, TextSpan
from medsearch_api.schema.enums import ReportField, Sex
from medsearch_api.schema.limits import MAX_FIRST, check_query
from medsearch_api.schema.paging import Connection, Edge, Window, constant_count, nodes, resolve_window
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import REPORT_LISTS, ImageDocument, ReportDocument
from medsearch_core.search.highlights import matching_spans
from medsearch_core.search.query import TextField

First = Annotated[int, argument(f"Maximum number of items to return, 0 to {MAX_FIRST}.")]
Words = Annotated[str, argument("Words to search for. Plain text: quotes and operators have no special meaning.")]
After = Annotated[str | None, argument("The cursor to continue after, from the same query with the same arguments.")]


def _keyword(description: str) -> str:
    return strawberry.field(description=description)


def _list(description: str) -> list[str]:
    return strawberry.field(description=description)


@strawberry.type(description="One image of a study: a DICOM object, or one frame of it.")
class Image:
    id: strawberry.ID = strawberry.field(description="SOPInstanceUID, followed by _<frame> if the object has several frames.")
    patient: str = _keyword("Patient key. Not the PatientID.")
    study: str = _keyword("Study key, unique within the patient.")
    report_id: strawberry.ID | None = strawberry.field(description="The report of the study.")
    modality: str | None = strawberry.field(description="Modality (0008,0060).")
    body_part_examined: str | None = strawberry.field(description="BodyPartExamined (0018,0015).")
    view_position: str | None = strawberry.field(description="ViewPosition (0018,5101).")
    laterality: str | None = strawberry.field(description="ImageLaterality (0020,0062), else Laterality (0020,0060).")
    patient_sex: Sex | None = strawberry.field(description="PatientSex (0010,0040).")
    patient_age_years: float | None = strawberry.field(description="PatientAge (0010,1010) in years.")
    study_date: date | None = strawberry.field(description="StudyDate (0008,0020).")
    is_representative: bool = strawberry.field(
        description="Whether it represents its object: the only frame, or the middle one of several."
    )
    present_codes: list[str] = _list("ICD-10-CM codes that its report states as present.")
    absent_codes: list[str] = _list("ICD-10-CM codes that its report states as absent.")
    uncertain_codes: list[str] = _list("ICD-10-CM codes that its report states as uncertain.")
    tags: list[str] = _list("User-assigned tags of its study.")
    thumbnail_url: str = _keyword("Path of the thumbnail (PNG), relative to the service's root.")
    small_thumbnail_url: str = _keyword(
        "Path of a small thumbnail for lists (WebP, at most 384 pixels and 10 kB), relative to the service's root."
    )
    frame_url: str = _keyword(
        "Path of the full-resolution rendering (PNG), relative to the service's root; .values instead of .png for its values."
    )
    provenance: ImageProvenance = strawberry.field(description="Its provenance.")

    @strawberry.field(description="Its study's report, if there is one.")
    async def report(self, info: Info) -> "Report | None":
        if self.report_id is None:
            return None
        document = await info.context.loaders.reports.load(self.report_id)
        return Report.of(document) if document and _same_study(self, document) else None

    @strawberry.field(description="Acquisition details; null if the warehouse no longer has the image.")
    async def detail(self, info: Info) -> ImageDetail | None:
        rows = await info.context.loaders.image_rows.load(StudyKey(self.patient, self.study))
        return next((ImageDetail.from_row(row) for row in rows if row["image_id"] == self.id), None)

    @classmethod
    def of(cls, document: ImageDocument) -> Self:
        """Create the image from an index document."""
        return cls(
            id=strawberry.ID(document.image_id),
            patient=document.patient,
            study=document.study,
            report_id=strawberry.ID(document.report_id) if document.report_id is not None else None,
            **{name: getattr(document, name) for name in _OF_IMAGE},
            patient_sex=Sex(document.patient_sex) if document.patient_sex else None,
            patient_age_years=document.patient_age_years,
            study_date=date.fromisoformat(document.study_date) if document.study_date else None,
            is_representative=document.is_representative,
            present_codes=list(document.present_codes),
            absent_codes=list(document.absent_codes),
            uncertain_codes=list(document.uncertain_codes),
            tags=list(document.tags),
            thumbnail_url=thumbnail_url(document.patient, document.study, document.image_id),
            small_thumbnail_url=small_thumbnail_url(document.patient, document.study, document.image_id),
            frame_url=frame_url(document.patient, document.study, document.image_id),
            provenance=ImageProvenance(
                source_key=document.source_key,
                sha256=document.sha256,
                model_id=document.model_id,
                model_version=document.model_version,
                study=StudyKey(document.patient, document.study),
                report_id=document.report_id,
            ),
        )


@strawberry.type(description="An image in a list.")
class ImageEdge(Edge):
    node: Image = strawberry.field(description="The image.")


@strawberry.type(description="A page of images.")
class ImageConnection(Connection):
    edges: list[ImageEdge] = strawberry.field(description="The images on this page, each with its cursor.")
    nodes: list[Image] = nodes("The images on this page.")


@strawberry.type(description="One radiology report. A concept is never both positive and negative in one report.")
class Report:
    id: strawberry.ID = strawberry.field(description="The study key: s<StudyID> in MIMIC-CXR.")
    patient: str = _keyword("Patient key. Not the PatientID.")
    study: str = _keyword("Study key, unique within the patient.")
    text: str = _keyword("The whole report.")
    examination: str | None = strawberry.field(description="EXAMINATION section.")
    indication: str | None = strawberry.field(description="INDICATION section.")
    technique: str | None = strawberry.field(description="TECHNIQUE section.")
    findings: str | None = strawberry.field(description="FINDINGS section.")
    impression: str | None = strawberry.field(description="IMPRESSION section.")
    positive_diagnoses: list[str] = _list("Diagnoses present.")
    negative_diagnoses: list[str] = _list("Diagnoses absent.")
    positive_icd10cms: list[str] = _list("ICD-10-CM descriptions present.")
    negative_icd10cms: list[str] = _list("ICD-10-CM descriptions absent.")
    positive_signs: list[str] = _list("Signs present.")
    negative_signs: list[str] = _list("Signs absent.")
    positive_symptoms: list[str] = _list("Symptoms present.")
    negative_symptoms: list[str] = _list("Symptoms absent.")
    present_codes: list[str] = _list("ICD-10-CM codes present.")
    absent_codes: list[str] = _list("ICD-10-CM codes absent.")
    uncertain_codes: list[str] = _list("ICD-10-CM codes uncertain.")
    tags: list[str] = _list("User-assigned tags of its study.")
    provenance: ReportProvenance = strawberry.field(description="Its provenance.")

    @strawberry.field(description="The indexed images of its study, by image ID.")
    async def images(self, info: Info, first: First = 20, after: After = None) -> ImageConnection:
        cursor_args = {"patient": self.patient, "study": self.study, "report": self.id}
        window = await resolve_window(info, "Report.images", cursor_args, first, after)
        loaded = await info.context.loaders.images_of_reports.load(self.id)
        return _image_connection(window, [d for d in loaded if _same_study(self, d)])

    @strawberry.field(description="COMPARISON section; also null if the warehouse has another version of the report.")
    async def comparison(self, info: Info) -> str | None:
        read = await self._read(info)
        return read.comparison if read else None

    @strawberry.field(description="How it was read; null if the warehouse has another version of the report.")
    async def reading(self, info: Info) -> Reading | None:
        read = await self._read(info)
        return Reading.of(read) if read else None

    @strawberry.field(description="Its mentions in text order; null if the warehouse has another version of the report.")
    async def entities(self, info: Info) -> list[Entity] | None:
        read = await self._read(info)
        return [Entity.from_row(row) for row in read.entities] if read else None

    @strawberry.field(
        description="Where a query's words occur in its text. As in searches, words match by stem, ignoring case and accents."
    )
    def matches(
        self,
        query: Words,
        field: Annotated[ReportField, argument("The text to search; offsets count from its start.")] = ReportField.REPORT,
    ) -> list[TextSpan]:
        check_query(query)
        text: str | None = getattr(self, TextField(field.value).value)
        return [TextSpan(begin=span.begin, end=span.end) for span in matching_spans(text or "", query)]

    async def _read(self, info: Info) -> WarehouseReport | None:
        """Return the warehouse's entities of exactly this text: offsets into another version would mark the wrong words."""
        reports = await info.context.loaders.warehouse_reports.load(StudyKey(self.patient, self.study))
        version = (self.id, self.provenance.sha256, self.provenance.ner_version)
        return next((r for r in reports if (r.report_id, r.sha256, r.ner_version) == version), None)

    @classmethod
    def of(cls, document: ReportDocument) -> Self:
        """Create the report from an index document."""
        shared: dict[str, Any] = {name: getattr(document, name) for name in _SHARED}
        return cls(
            id=strawberry.ID(document.report_id),
            **shared,
            provenance=ReportProvenance(
                source_key=document.source_key,
                sha256=document.sha256,
                ner_version=document.ner_version,
                study=StudyKey(document.patient, document.study),
            ),
        )


_OF_IMAGE = ("modality", "body_part_examined", "view_position", "laterality")
"""The facets that an image has as fields. Others are attributes of its detail."""

_SHARED = (
    *("patient", "study", "text", "examination", "indication", "technique", "findings", "impression"),
    *REPORT_LISTS,
    "tags",
)
"""Fields that a report and its document share under the same name."""


def _same_study(one: "Image | Report | Study", other: ImageDocument | ReportDocument) -> bool:
    """Whether both belong to one study. Two patients may have studies with equal keys, and must never share a report."""
    return (one.patient, one.study) == (other.patient, other.study)


def _image_connection(window: Window, documents: Sequence[ImageDocument]) -> ImageConnection:
    entries, page_info = window.page_of(documents)
    edges = [ImageEdge(cursor=cursor, node=Image.of(document)) for _, cursor, document in entries]
    return ImageConnection(edges=edges, page_info=page_info, count=constant_count(len(documents)))


@strawberry.type(description="One imaging study of one patient.")
class Study:
    patient: str = _keyword("Patient key. Not the PatientID.")
    study: str = _keyword("Study key, unique within the patient.")

    @strawberry.field(description="Its indexed images, in acquisition order.")
    async def images(self, info: Info, first: First = 20, after: After = None) -> ImageConnection:
        window = await resolve_window(info, "Study.images", {"patient": self.patient, "study": self.study}, first, after)
        rows = await info.context.loaders.image_rows.load(StudyKey(self.patient, self.study))
        documents = await info.context.loaders.images.load_many([row["image_id"] for row in rows])
        return _image_connection(window, [d for d in documents if d and _same_study(self, d)])

    @strawberry.field(description="Its indexed reports.")
    async def reports(self, info: Info) -> list[Report]:
        read = await info.context.loaders.warehouse_reports.load(StudyKey(self.patient, self.study))
        documents = await info.context.loaders.reports.load_many([report.report_id for report in read])
        return [Report.of(d) for d in documents if d and _same_study(self, d)]
