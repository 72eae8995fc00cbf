"""The types of the AppSync API, exactly as in AWS's sample "medical image search".

Belongs here: names, nullability, and the document field behind each name. Not here: queries (`query`).
"""

from typing import Any, ClassVar, Self

import strawberry

from medsearch_api.backends.context import Info
from medsearch_api.schema.appsync.s3_objects import S3Location
from medsearch_core.search.documents import ImageDocument, ReportDocument
from medsearch_core.search.results import FacetCount


def _document_field(name: str, description: str) -> Any:
    return strawberry.field(resolver=lambda root: getattr(root.document, name), description=description)


@strawberry.type(description="One image.")
class Image:
    document: strawberry.Private[ImageDocument]

    ImageId: str | None = _document_field("image_id", "SOPInstanceUID, followed by _<frame> if the object has several frames.")
    ReportId: str | None = _document_field("report_id", "The report of its study; null if there is none.")
    Modality: str | None = _document_field("modality", "Modality (0008,0060).")
    ViewPosition: str | None = _document_field("view_position", "ViewPosition (0018,5101).")
    BodyPartExamined: str | None = _document_field("body_part_examined", "BodyPartExamined (0018,0015).")

    @strawberry.field(description="The S3 bucket with its thumbnail (PNG); null if thumbnails are in a folder.")
    def Bucket(self, info: Info) -> str | None:
        return self._thumbnail_location(info).bucket

    @strawberry.field(
        description=(
            "The thumbnail's key without the prefix public/, which Amplify Storage adds; also its path relative to the "
            "service's root if the warehouse is a folder, a bucket, or public/ in a bucket."
        )
    )
    def Key(self, info: Info) -> str | None:
        return self._thumbnail_location(info).key

    def _thumbnail_location(self, info: Info) -> S3Location:
        return S3Location.of_thumbnail(info.context.warehouse.store.url, self.document)


@strawberry.type(description="One radiology report.")
class Report:
    document: strawberry.Private[ReportDocument]

    ReportId: str | None = _document_field("report_id", "s<StudyID> in MIMIC-CXR, otherwise the study key.")
    Examination: str | None = _document_field("examination", "EXAMINATION section.")
    Indication: str | None = _document_field("indication", "INDICATION section.")
    Technique: str | None = _document_field("technique", "TECHNIQUE section.")
    Findings: str | None = _document_field("findings", "FINDINGS section.")
    Impression: str | None = _document_field("impression", "IMPRESSION section.")
    PositiveDiagnoses: list[str | None] | None = _document_field("positive_diagnoses", "Diagnoses present.")
    NegativeDiagnoses: list[str | None] | None = _document_field("negative_diagnoses", "Diagnoses absent.")
    PositiveICD10CMs: list[str | None] | None = _document_field("positive_icd10cms", "ICD-10-CM descriptions present.")
    NegativeICD10CMs: list[str | None] | None = _document_field("negative_icd10cms", "ICD-10-CM descriptions absent.")
    PositiveSigns: list[str | None] | None = _document_field("positive_signs", "Signs present.")
    NegativeSigns: list[str | None] | None = _document_field("negative_signs", "Signs absent.")
    PositiveSymptoms: list[str | None] | None = _document_field("positive_symptoms", "Symptoms present.")
    NegativeSymptoms: list[str | None] | None = _document_field("negative_symptoms", "Symptoms absent.")

    @strawberry.field(description="The images of its study, by image ID.")
    async def Images(self, info: Info) -> list[Image | None] | None:
        images = await info.context.loaders.images_of_reports.load(self.document.report_id)
        return [Image(document=image) for image in images if _same_study(image, self.document)]


def _same_study(image: ImageDocument, report: ReportDocument) -> bool:
    """Whether both belong to one study. Two patients may have studies with equal keys, and must never share a report."""
    return (image.patient, image.study) == (report.patient, report.study)


@strawberry.type
class Bucket:
    """Fields shared by the eight bucket types; not part of the schema itself."""

    field_name: ClassVar[str]

    doc_count: int | None = strawberry.field(description="The number of reports with it.")
    key: str | None = strawberry.field(description="The value.")

    @classmethod
    def of(cls, counted: FacetCount) -> Self:
        """Create the bucket of a counted value."""
        return cls(doc_count=counted.count, key=counted.value)


@strawberry.type(description="Number of reports that state a diagnosis as present.")
class PositiveDiagnoses(Bucket):
    field_name = "positive_diagnoses"


@strawberry.type(description="Number of reports that state a diagnosis as absent.")
class NegativeDiagnoses(Bucket):
    field_name = "negative_diagnoses"


@strawberry.type(description="Number of reports that state a finding with an ICD-10-CM code as present.")
class PositiveICD10CMs(Bucket):
    field_name = "positive_icd10cms"


@strawberry.type(description="Number of reports that state a finding with an ICD-10-CM code as absent.")
class NegativeICD10CMs(Bucket):
    field_name = "negative_icd10cms"


@strawberry.type(description="Number of reports that state a sign as present.")
class PositiveSigns(Bucket):
    field_name = "positive_signs"


@strawberry.type(description="Number of reports that state a sign as absent.")
class NegativeSigns(Bucket):
    field_name = "negative_signs"


@strawberry.type(description="Number of reports that state a symptom as present.")
class PositiveSymptoms(Bucket):
    field_name = "positive_symptoms"


@strawberry.type(description="Number of reports that state a symptom as absent.")
class NegativeSymptoms(Bucket):
    field_name = "negative_symptoms"
