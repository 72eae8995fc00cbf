"""Types without links to others: acquisition details, provenance, mentions in a report."""

from collections.abc import Sequence
from typing import ClassVar, Self

import strawberry

from medsearch_api.backends.context import Info
from medsearch_api.backends.tables import ASSETS, EntityRow, ImageRow
from medsearch_api.schema.enums import Assertion, Category
from medsearch_api.schema.permissions import identifier_field
from medsearch_core.keys import StudyKey
from medsearch_core.search.releases import schema_version_of


def text_field(description: str) -> str:
    """A plain field with its description. Typed `str` only for the type checker: the annotation decides."""
    return strawberry.field(description=description)


@strawberry.type(description="A study's table in the warehouse as a run of Dagster wrote it.")
class Materialisation:
    asset: str = text_field("The key of the asset in Dagster.")
    run_id: str = text_field("The id of the run.")


@strawberry.type
class Provenance:
    """What is known of where any hit comes from. `tables` are those of its study that it was made from."""

    tables: ClassVar[Sequence[str]] = ()
    study: strawberry.Private[StudyKey]
    source_key: str | None = identifier_field("The source object's key below the landing root.")
    sha256: str = text_field("SHA-256 of the source object.")

    @strawberry.field(description="The release of the index that is asked.")
    async def release(self, info: Info) -> str | None:
        return await info.context.loaders.release.load("current")

    @strawberry.field(description="Version of the index's schema in that release.")
    async def index_schema_version(self, info: Info) -> int | None:
        release = await info.context.loaders.release.load("current")
        return schema_version_of(release) if release else None

    @strawberry.field(
        description=(
            "The runs that wrote what the warehouse has of its study now; without that of a table that is gone, "
            "or was written before runs were noted."
        )
    )
    async def materialisations(self, info: Info) -> list[Materialisation]:
        runs = await info.context.loaders.runs.load_many([(table, self.study) for table in self.tables])
        written = zip(self.tables, runs, strict=True)
        return [Materialisation(asset=ASSETS[table], run_id=run) for table, run in written if run is not None]


@strawberry.type(description="Where an image in the index comes from.")
class ImageProvenance(Provenance):
    tables: ClassVar[Sequence[str]] = ("dicom_metadata", "embeddings")
    model_id: str = text_field("Architecture and weights that made the embedding.")
    model_version: str = text_field("Digest of the weights, and the preprocessing's version.")
    report_id: strawberry.Private[str | None]

    @strawberry.field(description="Version of the reader of reports that the codes of its report come from; null without one.")
    async def ner_version(self, info: Info) -> str | None:
        report = await info.context.loaders.reports.load(self.report_id) if self.report_id is not None else None
        return report.ner_version if report and StudyKey(report.patient, report.study) == self.study else None


@strawberry.type(description="Where a report in the index comes from.")
class ReportProvenance(Provenance):
    tables: ClassVar[Sequence[str]] = ("reports",)
    ner_version: str = text_field("Version of the reader of reports and its vocabulary.")


@strawberry.type(description="How an image was acquired: DICOM attributes from the warehouse.")
class ImageDetail:
    rows: int = strawberry.field(description="Rows (0028,0010).")
    columns: int = strawberry.field(description="Columns (0028,0011).")
    frame: int = strawberry.field(description="1-based frame number.")
    frames: int = strawberry.field(description="NumberOfFrames of the object.")
    file_bytes: float = strawberry.field(description="Size of the source object in bytes; may exceed 32 bits.")
    bits_stored: int | None = strawberry.field(description="BitsStored (0028,0101).")
    photometric_interpretation: str | None = strawberry.field(description="PhotometricInterpretation (0028,0004).")
    pixel_spacing_mm: list[float] | None = strawberry.field(description="Row and column spacing in mm.")
    patient_orientation: str | None = strawberry.field(description="PatientOrientation (0020,0020).")
    manufacturer: str | None = strawberry.field(description="Manufacturer (0008,0070).")
    manufacturer_model_name: str | None = strawberry.field(description="ManufacturerModelName (0008,1090).")
    kvp: float | None = strawberry.field(description="KVP (0018,0060) in kV.")
    burned_in_annotation: str | None = strawberry.field(description="BurnedInAnnotation (0028,0301): YES or NO.")
    study_description: str | None = strawberry.field(description="StudyDescription (0008,1030).")
    study_time: str | None = strawberry.field(description="StudyTime (0008,0030) as HH:MM:SS.")
    series_number: int | None = strawberry.field(description="SeriesNumber (0020,0011).")
    instance_number: int | None = strawberry.field(description="InstanceNumber (0020,0013).")
    sop_class_uid: str | None = strawberry.field(description="SOPClassUID (0008,0016).")
    transfer_syntax_uid: str | None = strawberry.field(description="TransferSyntaxUID (0002,0010).")

    @classmethod
    def from_row(cls, row: ImageRow) -> Self:
        """The details in a row of `dicom_metadata`."""
        return cls(file_bytes=row["bytes"], **{k: v for k, v in row.items() if k not in ("image_id", "bytes")})


@strawberry.type(description="Part of a text, in Unicode code points.")
class TextSpan:
    begin: int = strawberry.field(description="Offset of its first character.")
    end: int = strawberry.field(description="Offset after its last character.")


@strawberry.type(description="One mention of a finding, sign, symptom, diagnosis or device in a report.")
class Entity:
    text: str = text_field("The words of the mention.")
    begin: int = strawberry.field(description="Offset of its first character in the report's text, in Unicode code points.")
    end: int = strawberry.field(description="Offset after its last character.")
    section: str = text_field("The section it stands in, in lower case; empty before the first header.")
    concept: str = text_field("The vocabulary's name of what is mentioned.")
    category: Category = strawberry.field(description="Diagnosis, sign, symptom or device.")
    assertion: Assertion = strawberry.field(description="What the report says of it.")
    cue: str | None = strawberry.field(description="The words that decided the assertion.")
    icd10cm_code: str | None = strawberry.field(description="ICD-10-CM code.")
    icd10cm_description: str | None = strawberry.field(description="The code's description.")
    icd10cm_billable: bool | None = strawberry.field(
        default=None, description="Whether the code is billable, that is has none below it."
    )
    icd10cm_release: str | None = strawberry.field(default=None, description="The release of ICD-10-CM the code is of.")
    score: float = strawberry.field(description="Certainty of the link to the code, 0 to 1.")
    severity: str | None = strawberry.field(default=None, description="Minimal, mild, moderate, severe, or a range of two.")
    change: str | None = strawberry.field(default=None, description="New, unchanged, worse, better or resolved.")
    laterality: str | None = strawberry.field(default=None, description="Left, right or bilateral.")
    anatomy: str | None = strawberry.field(default=None, description="The place named with it, without its side.")
    position: str | None = strawberry.field(default=None, description="Of a device: the words that say where it lies.")

    @classmethod
    def from_row(cls, row: EntityRow) -> Self:
        """The mention in a row of `report_entities`."""
        plain = {k: v for k, v in row.items() if k not in ("report_id", "category", "assertion")}
        return cls(**plain, category=Category(row["category"]), assertion=Assertion(row["assertion"]))
