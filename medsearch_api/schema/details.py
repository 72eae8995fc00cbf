"""Types that link to no other types: acquisition details, provenance, mentions in a report."""

from collections.abc import Sequence
from dataclasses import fields
from typing import ClassVar, Self

import strawberry

from medsearch_api.backends.context import Info
from medsearch_api.backends.tables import ASSETS, EntityRow, ImageRow, WarehouseReport
from medsearch_api.schema.enums import Assertion, Category, Certainty
from medsearch_api.schema.permissions import identifier_field
from medsearch_core.keys import StudyKey
from medsearch_core.records import ImageRecord
from medsearch_core.search.releases import schema_version_of


def text_field(description: str) -> str:
    """Describe a plain field. The return type `str` only satisfies the type checker: the annotation decides."""
    return strawberry.field(description=description)


@strawberry.type(description="A study's table in the warehouse, as written by a Dagster run.")
class Materialisation:
    asset: str = text_field("The asset's key in Dagster.")
    run_id: str = text_field("The run's ID.")


@strawberry.type
class Provenance:
    """The provenance of any hit. `tables` are the tables of its study from which it was derived."""

    tables: ClassVar[Sequence[str]] = ()
    study: strawberry.Private[StudyKey]
    source_key: str | None = identifier_field("The source object's key, relative to the landing root.")
    sha256: str = text_field("SHA-256 of the source object.")

    @strawberry.field(description="The index release that answers this query.")
    async def release(self, info: Info) -> str | None:
        return await info.context.loaders.release.load("current")

    @strawberry.field(description="Schema version of that index release.")
    async def index_schema_version(self, info: Info) -> int | None:
        release = await info.context.loaders.release.load("current")
        return schema_version_of(release) if release else None

    @strawberry.field(
        description=(
            "The runs that wrote the study's current tables, except tables that no longer exist or were written before "
            "runs were recorded."
        )
    )
    async def materialisations(self, info: Info) -> list[Materialisation]:
        runs = await info.context.loaders.runs.load_many([(table, self.study) for table in self.tables])
        written = zip(self.tables, runs, strict=True)
        return [Materialisation(asset=ASSETS[table], run_id=run) for table, run in written if run is not None]


@strawberry.type(description="Provenance of an indexed image.")
class ImageProvenance(Provenance):
    tables: ClassVar[Sequence[str]] = ("dicom_metadata", "embeddings")
    model_id: str = text_field("Architecture and weights of the embedding model.")
    model_version: str = text_field("Digest of the weights, and version of the preprocessing.")
    report_id: strawberry.Private[str | None]

    @strawberry.field(description="Version of the NLP engine that coded its report; null without a report.")
    async def ner_version(self, info: Info) -> str | None:
        report = await info.context.loaders.reports.load(self.report_id) if self.report_id is not None else None
        return report.ner_version if report and StudyKey(report.patient, report.study) == self.study else None


@strawberry.type(description="Provenance of an indexed report.")
class ReportProvenance(Provenance):
    tables: ClassVar[Sequence[str]] = ("reports",)
    ner_version: str = text_field("Version of the report NLP engine and its vocabulary.")


@strawberry.type(description="An attribute of an image, as people read it.")
class Attribute:
    label: str = text_field("What people call it.")
    value: str = text_field("Its value; several numbers joined by ×, several words by commas.")
    unit: str | None = strawberry.field(description="The unit of a number.")


MAX_INT = 2**31 - 1
"""The largest Int of GraphQL. Attributes of VR UL may be larger, which no frame's place is."""
UNSIGNED = ("in_stack_position", "temporal_position_index", "dimension_index_values")
LABELLED = [f for f in fields(ImageRecord) if f.metadata["label"]]
"""The columns of `dicom_metadata` that people are shown as they are."""


@strawberry.type(description="A calibrated region of an ultrasound image.")
class UltrasoundRegion:
    min_x: int = strawberry.field(description="First column, from 0.")
    min_y: int = strawberry.field(description="First row, from 0.")
    max_x: int = strawberry.field(description="Last column.")
    max_y: int = strawberry.field(description="Last row.")
    spatial_format: str | None = strawberry.field(description="As in 2D, M-mode or spectral.")
    data_type: str | None = strawberry.field(description="As in tissue or color flow.")
    unit_x: str | None = strawberry.field(description="The unit to the right, as in cm or s.")
    unit_y: str | None = strawberry.field(description="The unit downward, as in cm or cm/s.")
    delta_x: float | None = strawberry.field(description="How much a pixel to the right is, in that unit.")
    delta_y: float | None = strawberry.field(description="How much a pixel downward is, in that unit.")
    pixel_spacing_mm: list[float] | None = strawberry.field(
        description="Row and column spacing in mm, for measuring; only of a 2D region in cm."
    )


@strawberry.type(description="Acquisition details of an image: DICOM attributes from the warehouse.")
class ImageDetail:
    rows: int = strawberry.field(description="Rows (0028,0010).")
    columns: int = strawberry.field(description="Columns (0028,0011).")
    frame: int = strawberry.field(description="1-based frame number.")
    frames: int = strawberry.field(description="NumberOfFrames of the object.")
    file_bytes: float = strawberry.field(description="Size of the source object in bytes; may exceed 32 bits.")
    bits_stored: int | None = strawberry.field(description="BitsStored (0028,0101).")
    photometric_interpretation: str | None = strawberry.field(description="PhotometricInterpretation (0028,0004).")
    pixel_spacing_mm: list[float] | None = strawberry.field(description="Row and column spacing in mm.")
    image_position_mm: list[float] | None = strawberry.field(
        description="ImagePositionPatient (0020,0032) of the frame: x, y and z of its first pixel in mm."
    )
    image_orientation: list[float] | None = strawberry.field(
        description="ImageOrientationPatient (0020,0037) of the frame: direction cosines of its rows, then of its columns."
    )
    slice_thickness_mm: float | None = strawberry.field(description="SliceThickness (0018,0050) of the frame in mm.")
    spacing_between_slices_mm: float | None = strawberry.field(
        description="SpacingBetweenSlices (0018,0088) of the frame in mm."
    )
    stack_id: str | None = strawberry.field(description="StackID (0020,9056) of the frame.")
    in_stack_position: int | None = strawberry.field(description="InStackPositionNumber (0020,9057) of the frame.")
    temporal_position_index: int | None = strawberry.field(description="TemporalPositionIndex (0020,9128) of the frame.")
    dimension_index_values: list[int] | None = strawberry.field(description="DimensionIndexValues (0020,9157) of the frame.")
    acquisition_datetime: str | None = strawberry.field(description="When the frame was acquired, in ISO 8601.")
    image_type: str | None = strawberry.field(
        description="FrameType (0008,9007) of the frame, else ImageType (0008,0008); values joined by a backslash."
    )
    view_modifiers: list[str] | None = strawberry.field(
        description="Modifiers of the view (PS3.16 CID 4015), as in ID, M or S."
    )
    presentation_intent: str | None = strawberry.field(
        description="PresentationIntentType (0008,0068): FOR PRESENTATION or FOR PROCESSING."
    )
    has_overlay: bool | None = strawberry.field(
        description="Whether overlay planes lie over the frame; frameUrl with `?overlays=true` draws them."
    )
    ultrasound_regions: list[UltrasoundRegion] | None = strawberry.field(
        description="Calibrated regions of an ultrasound image, at most 32."
    )
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
    attributes: list[Attribute] = strawberry.field(
        description="Attributes of its acquisition to show as they are, those that its object has. None identifies a person."
    )

    @classmethod
    def from_row(cls, row: ImageRow) -> Self:
        """Create the details from a row of `dicom_metadata`."""
        own = {f.name: row[f.name] for f in fields(cls) if f.name in row}
        shown = [
            Attribute(label=f.metadata["label"], value=_text(row[f.name]), unit=f.metadata["unit"])
            for f in LABELLED
            if row[f.name] is not None
        ]
        for name in UNSIGNED:
            own[name] = row[name] if _fits(row[name]) else None
        if row["ultrasound_regions"] is not None:
            own["ultrasound_regions"] = [UltrasoundRegion(**region) for region in row["ultrasound_regions"]]
        return cls(**own, file_bytes=row["bytes"], attributes=shown)


def _fits(value: int | Sequence[int] | None) -> bool:
    """Whether GraphQL can hold it as an Int."""
    return max(value if isinstance(value, Sequence) else [value or 0], default=0) <= MAX_INT


def _text(value: str | float | Sequence[str] | Sequence[float]) -> str:
    """A value as people read it: numbers to three decimals, several words with commas."""
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence) and any(isinstance(each, str) for each in value):
        return ", ".join(map(str, value))
    return " × ".join(f"{number:.3f}".rstrip("0").rstrip(".") for number in (value if isinstance(value, Sequence) else [value]))


@strawberry.type(description="A span of text, in Unicode code points.")
class TextSpan:
    begin: int = strawberry.field(description="Offset of its first character.")
    end: int = strawberry.field(description="Offset after its last character.")


@strawberry.type(description="One mention of a finding, sign, symptom, diagnosis or device in a report.")
class Entity:
    text: str = text_field("The text of the mention.")
    begin: int = strawberry.field(description="Offset of its first character in the report's text, in Unicode code points.")
    end: int = strawberry.field(description="Offset after its last character.")
    section: str = text_field("The section that contains it, in lower case; empty before the first header.")
    concept: str = text_field("The vocabulary's name for the concept.")
    category: Category = strawberry.field(description="Whether it is a diagnosis, sign, symptom or device.")
    assertion: Assertion = strawberry.field(description="What the report asserts about it.")
    certainty: Certainty | None = strawberry.field(default=None, description="For an uncertain mention: how likely it is.")
    cue: str | None = strawberry.field(description="The words that decided the assertion.")
    icd10cm_code: str | None = strawberry.field(description="ICD-10-CM code.")
    icd10cm_description: str | None = strawberry.field(description="The code's description.")
    icd10cm_billable: bool | None = strawberry.field(
        default=None, description="Whether the code is billable, that is, has no subcodes."
    )
    icd10cm_release: str | None = strawberry.field(default=None, description="The ICD-10-CM release that defines the code.")
    score: float = strawberry.field(description="Confidence of the match to the code, 0 to 1.")
    severity: str | None = strawberry.field(default=None, description="Minimal, mild, moderate or severe, or a range of two.")
    change: str | None = strawberry.field(default=None, description="New, unchanged, worse, better or resolved.")
    laterality: str | None = strawberry.field(default=None, description="Left, right or bilateral.")
    anatomy: str | None = strawberry.field(default=None, description="The anatomical site, without its side.")
    position: str | None = strawberry.field(default=None, description="For a device: the words that describe its position.")
    organ: str | None = strawberry.field(default=None, description="The organ it is of, as in liver.")
    size_mm: float | None = strawberry.field(default=None, description="Its largest diameter or its thickness in mm.")
    prior_size_mm: float | None = strawberry.field(default=None, description="The same in an earlier examination.")
    above_carina_mm: float | None = strawberry.field(
        default=None, description="For a tube: distance of its tip above the carina in mm, negative below it."
    )
    spelling: str | None = strawberry.field(default=None, description="For a misspelled mention: the words it was read as.")

    @classmethod
    def from_row(cls, row: EntityRow) -> Self:
        """Create the mention from a row of `report_entities`."""
        plain = {k: v for k, v in row.items() if k not in ("report_id", "category", "assertion", "certainty")}
        return cls(
            **plain,
            category=Category(row["category"]),
            assertion=Assertion(row["assertion"]),
            certainty=Certainty(row["certainty"]) if row["certainty"] else None,
        )


@strawberry.type(description="How a report was read, and what it says beside its findings.")
class Reading:
    language: str | None = text_field("The language of the text, in English.")
    not_read: str | None = text_field("Why no findings were read, as in `language: German`; null if they were.")
    exam_modality: str | None = text_field("DICOM modality of the examination, as in CT.")
    exam_body_parts: list[str] = strawberry.field(description="Body parts examined, as in chest.")
    categories: list[str] = strawberry.field(description="Reporting categories given, as in BI-RADS 4A.")
    recommendations: list[str] = strawberry.field(description="Recommended examinations, as in `CT in 3 months`.")
    is_communicated: bool | None = strawberry.field(description="Whether it says that results were communicated to somebody.")

    @classmethod
    def of(cls, report: WarehouseReport) -> Self:
        """Create the reading from a report in the warehouse."""
        return cls(
            language=report.language,
            not_read=report.not_read,
            exam_modality=report.exam_modality,
            exam_body_parts=list(report.exam_body_parts or ()),
            categories=list(report.categories or ()),
            recommendations=list(report.recommendations or ()),
            is_communicated=report.is_communicated,
        )
