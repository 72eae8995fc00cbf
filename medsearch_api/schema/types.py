"""Image, Report and Study: what the index holds, and the links between them, and lists of them.

Belongs here: types that lead to other types, resolved through the request's loaders. Not here: queries.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Self

import strawberry

from medsearch_api.backends.context import Info
from medsearch_api.backends.tables import WarehouseReport
from medsearch_api.imaging.frames import frame_url
from medsearch_api.imaging.thumbnails import thumbnail_url
from medsearch_api.schema.arguments import argument
from medsearch_api.schema.details import Entity, ImageDetail, ImageProvenance, ReportProvenance, TextSpan
from medsearch_api.schema.enums import ReportField, Sex
from medsearch_api.schema.limits import MAX_FIRST, check_query
from medsearch_api.schema.paging import Connection, Edge, Window, constant_count, nodes, resolve_window
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import REPORT_LISTS, ImageDocument, ReportDocument
from medsearch_core.search.highlights import matching_spans
from medsearch_core.search.query import TextField

First = Annotated[int, argument(f"How many to give at most, 0 to {MAX_FIRST}.")]
Words = Annotated[str, argument("Words. Only text: quotes and operators mean nothing.")]
After = Annotated[str | None, argument("The cursor to go on behind, of the same query and arguments.")]


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
    is_representative: bool = strawberry.field(description="Stands for its object: the first frame, or the middle of several.")
    present_codes: list[str] = _list("ICD-10-CM codes its report says are present.")
    absent_codes: list[str] = _list("ICD-10-CM codes its report says are absent.")
    uncertain_codes: list[str] = _list("ICD-10-CM codes its report is unsure of.")
    tags: list[str] = _list("Tags people gave its study.")
    thumbnail_url: str = _keyword("Path of the thumbnail, a PNG, below the service's root.")
    frame_url: str = _keyword(
        "Path of its picture in full resolution, a PNG, below the service's root; with .values for .png, of its values."
    )
    provenance: ImageProvenance = strawberry.field(description="Where it comes from.")

    @strawberry.field(description="The report of its study, if it has one.")
    async def report(self, info: Info) -> "Report | None":
        if self.report_id is None:
            return None
        document = await info.context.loaders.reports.load(self.report_id)
        return Report.of(document) if document and _same_study(self, document) else None

    @strawberry.field(description="How it was acquired; null when the warehouse no longer has it.")
    async def detail(self, info: Info) -> ImageDetail | None:
        rows = await info.context.loaders.image_rows.load(StudyKey(self.patient, self.study))
        return next((ImageDetail.from_row(row) for row in rows if row["image_id"] == self.id), None)

    @classmethod
    def of(cls, document: ImageDocument) -> Self:
        """The image in an index document."""
        return cls(
            id=strawberry.ID(document.image_id),
            patient=document.patient,
            study=document.study,
            report_id=strawberry.ID(document.report_id) if document.report_id is not None else None,
            modality=document.modality,
            body_part_examined=document.body_part_examined,
            view_position=document.view_position,
            laterality=document.laterality,
            patient_sex=Sex(document.patient_sex) if document.patient_sex else None,
            patient_age_years=document.patient_age_years,
            study_date=date.fromisoformat(document.study_date) if document.study_date else None,
            is_representative=document.is_representative,
            present_codes=list(document.present_codes),
            absent_codes=list(document.absent_codes),
            uncertain_codes=list(document.uncertain_codes),
            tags=list(document.tags),
            thumbnail_url=thumbnail_url(document.patient, document.study, document.image_id),
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


@strawberry.type(description="Images, a page of them.")
class ImageConnection(Connection):
    edges: list[ImageEdge] = strawberry.field(description="The images of this page, each with its cursor.")
    nodes: list[Image] = nodes("The images of this page.")


@strawberry.type(description="One radiology report. A concept is never both positive and negative in one report.")
class Report:
    id: strawberry.ID = strawberry.field(description="The study part of the key: s<StudyID> in MIMIC-CXR.")
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
    tags: list[str] = _list("Tags people gave its study.")
    provenance: ReportProvenance = strawberry.field(description="Where it comes from.")

    @strawberry.field(description="The indexed images of its study, by image id.")
    async def images(self, info: Info, first: First = 20, after: After = None) -> ImageConnection:
        cursor_args = {"patient": self.patient, "study": self.study, "report": self.id}
        window = await resolve_window(info, "Report.images", cursor_args, first, after)
        loaded = await info.context.loaders.images_of_reports.load(self.id)
        return _image_connection(window, [d for d in loaded if _same_study(self, d)])

    @strawberry.field(description="COMPARISON section; null also when the warehouse holds another version of the report.")
    async def comparison(self, info: Info) -> str | None:
        read = await self._read(info)
        return read.comparison if read else None

    @strawberry.field(
        description="Its mentions in the order of the text; null when the warehouse holds another version of the report."
    )
    async def entities(self, info: Info) -> list[Entity] | None:
        read = await self._read(info)
        return [Entity.from_row(row) for row in read.entities] if read else None

    @strawberry.field(
        description="Where words of a query stand in its text, as searches compare words: by stem, case and accents aside."
    )
    def matches(
        self,
        query: Words,
        field: Annotated[ReportField, argument("The text to look in, where offsets count from.")] = ReportField.REPORT,
    ) -> list[TextSpan]:
        check_query(query)
        text: str | None = getattr(self, TextField(field.value).value)
        return [TextSpan(begin=span.begin, end=span.end) for span in matching_spans(text or "", query)]

    async def _read(self, info: Info) -> WarehouseReport | None:
        """The warehouse's reading of this very text: offsets into another version would mark the wrong words."""
        reports = await info.context.loaders.warehouse_reports.load(StudyKey(self.patient, self.study))
        version = (self.id, self.provenance.sha256, self.provenance.ner_version)
        return next((r for r in reports if (r.report_id, r.sha256, r.ner_version) == version), None)

    @classmethod
    def of(cls, document: ReportDocument) -> Self:
        """The report in an index document."""
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


_SHARED = (
    *("patient", "study", "text", "examination", "indication", "technique", "findings", "impression"),
    *REPORT_LISTS,
    "tags",
)
"""What a report has under the same name as its document."""


def _same_study(one: "Image | Report | Study", other: ImageDocument | ReportDocument) -> bool:
    """Whether both are of one study. Two patients may have studies of one name, and must never share a report."""
    return (one.patient, one.study) == (other.patient, other.study)


def _image_connection(window: Window, documents: Sequence[ImageDocument]) -> ImageConnection:
    entries, page_info = window.page_of(documents)
    edges = [ImageEdge(cursor=cursor, node=Image.of(document)) for _, cursor, document in entries]
    return ImageConnection(edges=edges, page_info=page_info, count=constant_count(len(documents)))


@strawberry.type(description="One imaging study of one patient.")
class Study:
    patient: str = _keyword("Patient key. Not the PatientID.")
    study: str = _keyword("Study key, unique within the patient.")

    @strawberry.field(description="Its indexed images, in the order they were acquired.")
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
