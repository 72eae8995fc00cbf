"""The data contract: one frozen record per table of Parquet, and the meaning of each of its columns.

Belongs here: what a row means, its columns, types and units. Not here: how rows are computed or where they are stored.
Dagster's UI and docs/data-contract.md show the columns' descriptions below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from medsearch_core.columns import COUNT, COUNTS, FLAG, REAL, REALS, TEXT, TEXTS, column

REASONS = {
    "unaddressable_name": "the object's name holds control characters or is not valid UTF-8",
    "link": "a symbolic link in a landing folder, which is not followed (MEDSEARCH_FOLLOW_LINKS)",
    "unrecognised_object": "neither a DICOM object nor a report",
    "system_file": "a hidden file, or a file of a system or program: a cache, a lock, an unfinished copy",
    "media_directory": "a DICOMDIR: the table of contents of a medium (PS3.10 section 8.6), without images",
    "report_without_study": "a report that matches no landed study",
    "empty_object": "the object has no bytes",
    "unreadable_object": "listed, but missing or forbidden when it was read",
    "not_dicom": "no DICOM preamble and no DICOM data set (PS3.10 section 7.1)",
    "truncated_header": "the data set ends before its pixel data",
    "malformed_header": "the data set cannot be parsed",
    "missing_identity": "StudyInstanceUID or SOPInstanceUID is absent or not a UID (MEDSEARCH_REQUIRE_UIDS)",
    "identity_mismatch": "the header names another patient or study than the folder",
    "duplicate_object": "the same SOP instance as another object of the study, byte for byte",
    "duplicate_sop_instance_uid": "the same SOPInstanceUID as another object of the study, with other bytes",
    "no_pixel_data": "a DICOM object without an image",
    "truncated_pixel_data": "fewer pixel bytes than rows, columns, frames and bits require; whole frames are used",
    "undecodable_pixel_data": "the pixel data cannot be decoded in its transfer syntax",
    "interrupted": "the process that decoded the object was killed from outside, twice; its study is processed again",
    "unsupported_pixel_format": "a photometric interpretation, bit depth or size that cannot be shown",
    "undecodable_text": "a report whose text encoding cannot be recognized",
    "empty_report": "a report without a word",
    "refused_by_reader": "a report that the external report reader does not accept",
}
"""Every reason of a rejection, and its meaning."""

EXCLUSIONS = ("link", "unrecognised_object", "system_file", "media_directory", "no_pixel_data", "duplicate_object")
"""The reasons that are not the object's fault: a rule excludes it. In the ledger it is excluded, not rejected."""

STATES = {
    "indexed": "the search index has its images or its report, of this version",
    "pending": "it is waiting: its study was not materialized yet or from other objects, or the index is behind its tables",
    "rejected": "it cannot be used; the reason says why",
    "excluded": "nothing is wrong with it; the reason names the rule that excludes it",
    "unaccounted": "its study was made from it, but it is in no table and in no rejection",
    "superseded": "a version that was replaced by another under the same key",
    "deleted": "a version that was deleted and not replaced",
}
"""Every state of a landed object in the ledger, and its meaning."""

TOMBSTONES = ("superseded", "deleted")
"""The states of versions that are no longer landed: at most one row per key, for the last such version."""

OUTCOMES = pa.list_(
    pa.struct(
        [
            pa.field("key", TEXT),
            pa.field("sha256", TEXT),
            pa.field("images", COUNT),
            pa.field("frame", COUNT),
            pa.field("reason", TEXT),
            pa.field("detail", TEXT),
        ]
    )
)

REGIONS = pa.list_(
    pa.struct(
        [
            pa.field("min_x", COUNT),
            pa.field("min_y", COUNT),
            pa.field("max_x", COUNT),
            pa.field("max_y", COUNT),
            pa.field("spatial_format", TEXT),
            pa.field("data_type", TEXT),
            pa.field("unit_x", TEXT),
            pa.field("unit_y", TEXT),
            pa.field("delta_x", REAL),
            pa.field("delta_y", REAL),
            pa.field("pixel_spacing_mm", REALS),
        ]
    )
)


@dataclass(frozen=True, kw_only=True)
class LandedObject:
    """`inventory`: one row per object in the landing store."""

    key: str = column(TEXT, "the object's key below the landing root")
    bytes: int = column(COUNT, "size in bytes")
    etag: str = column(TEXT, "the store's tag of this version of the object")
    kind: str = column(TEXT, "dicom, report or rejected")
    patient: str | None = column(TEXT, "patient part of the study key", default=None)
    study: str | None = column(TEXT, "study part of the study key", default=None)
    patient_id: str | None = column(TEXT, "PatientID (0010,0020), if the header had to be read", phi=True, default=None)
    study_instance_uid: str | None = column(TEXT, "StudyInstanceUID (0020,000D), likewise", phi=True, default=None)
    report_names: list[str] = column(TEXTS, "file names that a report of this object's study may have, likewise", phi=True)
    reason: str | None = column(TEXT, "why it was rejected", default=None)
    detail: str | None = column(TEXT, "the fault in one sentence", default=None)
    version: str | None = column(
        TEXT, "the tag under which its bytes first landed, if the store has changed the tag since", default=None
    )
    is_study_shared: bool = column(FLAG, "whether another patient has a study with the same study part", default=False)


CHANGES = {
    "added": "the study gained the object",
    "replaced": "the object has other bytes, or is classified differently, in the same study",
    "removed": "the study lost the object; the other columns have its last known values",
    "retagged": "the same bytes under another tag of the store, which requires no work",
}
"""Every kind of change in the journal, and its meaning."""


@dataclass(frozen=True, kw_only=True)
class LandedChange(LandedObject):
    """`intake`: one row per object that was added, replaced or removed since the last inventory."""

    change: str = column(TEXT, "one of the changes of the contract")


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """`rejections`: one row per landed object (or frame of one) that cannot be used."""

    key: str = column(TEXT, "the object's key below the landing root")
    frame: int | None = column(COUNT, "1-based frame number, if only that frame is bad", default=None)
    stage: str = column(TEXT, "the asset that rejected it")
    reason: str = column(TEXT, "one of the reasons of the contract")
    detail: str = column(TEXT, "the fault in one sentence")
    patient: str | None = column(TEXT, "patient part of the study key", default=None)
    study: str | None = column(TEXT, "study part of the study key", default=None)


@dataclass(frozen=True, kw_only=True)
class ImageRecord:
    """`dicom_metadata`: one row per image, that is per decodable frame of a SOP instance."""

    image_id: str = column(TEXT, "SOPInstanceUID, followed by _<frame> if the object has several frames")
    patient: str = column(TEXT, "patient part of the study key")
    study: str = column(TEXT, "study part of the study key")
    key: str = column(TEXT, "the source object's key below the landing root")
    sha256: str = column(TEXT, "SHA-256 of the source object")
    bytes: int = column(COUNT, "size of the source object in bytes")
    frame: int = column(COUNT, "1-based frame number")
    frames: int = column(COUNT, "NumberOfFrames of the object")
    is_representative: bool = column(FLAG, "represents its object: the only frame, or the middle one of several")
    patient_id: str | None = column(TEXT, "PatientID (0010,0020)", phi=True, default=None)
    study_instance_uid: str = column(TEXT, "StudyInstanceUID (0020,000D)", phi=True)
    series_instance_uid: str | None = column(TEXT, "SeriesInstanceUID (0020,000E)", phi=True, default=None)
    sop_instance_uid: str = column(TEXT, "SOPInstanceUID (0008,0018)", phi=True)
    sop_class_uid: str | None = column(TEXT, "SOPClassUID (0008,0016)", default=None, dicom="SOPClassUID")
    transfer_syntax_uid: str | None = column(TEXT, "TransferSyntaxUID (0002,0010)", default=None)
    study_id: str | None = column(TEXT, "StudyID (0020,0010)", phi=True, default=None)
    study_date: str | None = column(TEXT, "StudyDate (0008,0020) as YYYY-MM-DD", phi=True, default=None)
    study_time: str | None = column(TEXT, "StudyTime (0008,0030) as HH:MM:SS", phi=True, default=None)
    study_description: str | None = column(
        TEXT, "StudyDescription (0008,1030)", phi=True, default=None, dicom="StudyDescription"
    )
    series_number: int | None = column(COUNT, "SeriesNumber (0020,0011)", default=None, dicom="SeriesNumber")
    instance_number: int | None = column(COUNT, "InstanceNumber (0020,0013)", default=None, dicom="InstanceNumber")
    modality: str | None = column(TEXT, "Modality (0008,0060)", default=None, dicom="Modality")
    body_part_examined: str | None = column(TEXT, "BodyPartExamined (0018,0015)", default=None, dicom="BodyPartExamined")
    view_position: str | None = column(
        TEXT,
        "ViewPosition (0018,5101), else the view of ViewCodeSequence (0054,0220), as in CC, MLO or PA",
        default=None,
        since=4,
    )
    view_modifiers: Sequence[str] | None = column(
        TEXTS,
        "modifiers of the view by ViewModifierCodeSequence (0054,0222), as in ID, M or S (PS3.16 CID 4015)",
        default=None,
        since=4,
        label="View modifiers",
    )
    laterality: str | None = column(
        TEXT, "ImageLaterality (0020,0062), else FrameLaterality (0020,9072), else Laterality (0020,0060)", default=None
    )
    patient_orientation: str | None = column(TEXT, "PatientOrientation (0020,0020)", default=None, dicom="PatientOrientation")
    patient_sex: str | None = column(TEXT, "PatientSex (0010,0040): M, F or O", phi=True, default=None)
    patient_age_years: float | None = column(REAL, "PatientAge (0010,1010) in years", phi=True, default=None)
    manufacturer: str | None = column(
        TEXT, "Manufacturer (0008,0070)", default=None, dicom="Manufacturer", label="Manufacturer"
    )
    manufacturer_model_name: str | None = column(
        TEXT, "ManufacturerModelName (0008,1090)", default=None, dicom="ManufacturerModelName", label="Device model"
    )
    kvp: float | None = column(REAL, "KVP (0018,0060) in kV", default=None, dicom="KVP", label="Tube voltage", unit="kV")
    distance_source_to_detector_mm: float | None = column(
        REAL,
        "DistanceSourceToDetector (0018,1110) in mm",
        default=None,
        since=3,
        dicom="DistanceSourceToDetector",
        label="Source to detector",
        unit="mm",
    )
    presentation_intent: str | None = column(
        TEXT,
        "PresentationIntentType (0008,0068): FOR PRESENTATION or FOR PROCESSING",
        default=None,
        since=4,
        dicom="PresentationIntentType",
        label="Presentation intent",
    )
    image_type: str | None = column(
        TEXT,
        "FrameType (0008,9007) of the frame, else ImageType (0008,0008); values joined by a backslash",
        default=None,
        since=4,
    )
    burned_in_annotation: str | None = column(TEXT, "BurnedInAnnotation (0028,0301): YES or NO", default=None)
    photometric_interpretation: str | None = column(
        TEXT,
        "PhotometricInterpretation (0028,0004)",
        default=None,
        dicom="PhotometricInterpretation",
        label="Photometric interpretation",
    )
    rows: int = column(COUNT, "Rows (0028,0010)")
    columns: int = column(COUNT, "Columns (0028,0011)")
    bits_stored: int | None = column(COUNT, "BitsStored (0028,0101)", default=None, dicom="BitsStored")
    pixel_spacing_mm: list[float] | None = column(
        REALS,
        "row and column spacing in mm: PixelSpacing (0028,0030) of the frame, else ImagerPixelSpacing (0018,1164)",
        default=None,
        label="Pixel spacing",
        unit="mm",
    )
    image_position_mm: Sequence[float] | None = column(
        REALS, "ImagePositionPatient (0020,0032) of the frame: x, y and z of its first pixel in mm", default=None, since=4
    )
    image_orientation: Sequence[float] | None = column(
        REALS,
        "ImageOrientationPatient (0020,0037) of the frame: direction cosines of its rows, then of its columns",
        default=None,
        since=4,
    )
    slice_thickness_mm: float | None = column(
        REAL,
        "SliceThickness (0018,0050) of the frame in mm",
        default=None,
        since=4,
        dicom="SliceThickness",
        macros=("PixelMeasuresSequence",),
        label="Slice thickness",
        unit="mm",
    )
    spacing_between_slices_mm: float | None = column(
        REAL,
        "SpacingBetweenSlices (0018,0088) of the frame in mm",
        default=None,
        since=4,
        dicom="SpacingBetweenSlices",
        macros=("PixelMeasuresSequence",),
        label="Spacing between slices",
        unit="mm",
    )
    stack_id: str | None = column(
        TEXT, "StackID (0020,9056) of the frame", default=None, since=4, dicom="StackID", macros=("FrameContentSequence",)
    )
    in_stack_position: int | None = column(
        COUNT,
        "InStackPositionNumber (0020,9057) of the frame",
        default=None,
        since=4,
        dicom="InStackPositionNumber",
        macros=("FrameContentSequence",),
    )
    temporal_position_index: int | None = column(
        COUNT,
        "TemporalPositionIndex (0020,9128) of the frame",
        default=None,
        since=4,
        dicom="TemporalPositionIndex",
        macros=("FrameContentSequence",),
    )
    dimension_index_values: Sequence[int] | None = column(
        COUNTS,
        "DimensionIndexValues (0020,9157) of the frame",
        default=None,
        since=4,
        dicom="DimensionIndexValues",
        macros=("FrameContentSequence",),
    )
    acquisition_datetime: str | None = column(
        TEXT,
        "when it was acquired, in ISO 8601: FrameAcquisitionDateTime (0018,9074), else AcquisitionDateTime (0008,002A), else "
        "AcquisitionDate (0008,0022) and AcquisitionTime (0008,0032)",
        phi=True,
        default=None,
        since=4,
    )
    has_overlay: bool | None = column(FLAG, "whether overlay planes (60xx) lie over the frame", default=None, since=4)
    ultrasound_regions: Sequence[dict[str, Any]] | None = column(
        REGIONS,
        "SequenceOfUltrasoundRegions (0018,6011), at most 32: the first and last column and row of each, its spatial format, "
        "data type, units and deltas, and its row and column spacing in mm, if it is 2D and in cm",
        default=None,
        since=4,
    )


@dataclass(frozen=True, kw_only=True)
class ThumbnailRecord:
    """`thumbnails`: one row per PNG written, one PNG per image of `dicom_metadata`."""

    image_id: str = column(TEXT, "the image")
    path: str = column(TEXT, "the PNG's path in the warehouse")
    width: int = column(COUNT, "columns of the PNG")
    height: int = column(COUNT, "rows of the PNG")
    bytes: int = column(COUNT, "size of the PNG in bytes")
    sha256: str = column(TEXT, "SHA-256 of the PNG")
    grays: str | None = column(
        TEXT,
        "how its grays were chosen: VOI LUT, window 1 (a later one, if it shows nothing) or percentiles; null for color",
        default=None,
        since=3,
    )


@dataclass(frozen=True, kw_only=True)
class EmbeddingRecord:
    """`embeddings`: one row per image."""

    image_id: str = column(TEXT, "the image")
    model_id: str = column(TEXT, "architecture and weights, e.g. densenet121-imagenet")
    model_version: str = column(TEXT, "digest of the weights, and the version of the preprocessing")
    vector: list[float] = column(pa.list_(pa.float32()), "the embedding, not normalized")


@dataclass(frozen=True, kw_only=True)
class ReportRecord:
    """`reports`: one row per radiology report, written beside `report_entities`."""

    report_id: str = column(
        TEXT, "the study part of the key, s<StudyID> in MIMIC-CXR; prefixed with the patient part if patients share it"
    )
    patient: str = column(TEXT, "patient part of the study key")
    study: str = column(TEXT, "study part of the study key")
    key: str = column(TEXT, "the source object's key below the landing root")
    sha256: str = column(TEXT, "SHA-256 of the source object")
    encoding: str = column(TEXT, "the text encoding it was read with")
    ner_version: str = column(TEXT, "version of the report NLP engine and its vocabulary")
    text: str = column(TEXT, "the whole report", phi=True)
    examination: str | None = column(TEXT, "EXAMINATION section", phi=True, default=None)
    indication: str | None = column(TEXT, "INDICATION section", phi=True, default=None)
    technique: str | None = column(TEXT, "TECHNIQUE section", phi=True, default=None)
    comparison: str | None = column(TEXT, "COMPARISON section", phi=True, default=None)
    findings: str | None = column(TEXT, "FINDINGS section", phi=True, default=None)
    impression: str | None = column(TEXT, "IMPRESSION section", phi=True, default=None)
    positive_diagnoses: list[str] = column(TEXTS, "diagnoses present")
    negative_diagnoses: list[str] = column(TEXTS, "diagnoses absent")
    positive_icd10cms: list[str] = column(TEXTS, "ICD-10-CM descriptions present")
    negative_icd10cms: list[str] = column(TEXTS, "ICD-10-CM descriptions absent")
    positive_signs: list[str] = column(TEXTS, "signs present")
    negative_signs: list[str] = column(TEXTS, "signs absent")
    positive_symptoms: list[str] = column(TEXTS, "symptoms present")
    negative_symptoms: list[str] = column(TEXTS, "symptoms absent")
    present_codes: list[str] = column(TEXTS, "ICD-10-CM codes present")
    absent_codes: list[str] = column(TEXTS, "ICD-10-CM codes absent")
    uncertain_codes: list[str] = column(TEXTS, "ICD-10-CM codes uncertain")
    conflicts: Sequence[str] = column(
        TEXTS, "concepts with contradictory assertions in the report: concept, each assertion with its section", default=()
    )
    language: str | None = column(TEXT, "language of the text in English, as in German", default=None, since=3)
    exam_modality: str | None = column(TEXT, "DICOM modality of the examination it is of, as in CT", default=None, since=3)
    exam_body_parts: Sequence[str] | None = column(
        TEXTS, "parts of the body the examination is of, as in chest", default=None, since=3
    )
    not_read: str | None = column(
        TEXT, "why no findings were read, as in `language: German`; null where they were", default=None, since=3
    )
    categories: Sequence[str] | None = column(TEXTS, "reporting categories given, as in BI-RADS 4A", default=None, since=3)
    recommendations: Sequence[str] | None = column(
        TEXTS, "recommended examinations: modality and interval, as in `CT in 3 months`", default=None, since=3
    )
    is_communicated: bool | None = column(
        FLAG, "whether it says that results were communicated to somebody", default=None, since=3
    )


@dataclass(frozen=True, kw_only=True)
class EntityRecord:
    """`report_entities`: one row per mention of a finding, sign, symptom, diagnosis or device in a report."""

    report_id: str = column(TEXT, "the report")
    text: str = column(TEXT, "the text of the mention", phi=True)
    begin: int = column(COUNT, "offset of its first character in the report's text")
    end: int = column(COUNT, "offset after its last character")
    section: str = column(TEXT, "the section that contains it, in lower case; empty before the first header")
    concept: str = column(TEXT, "the vocabulary's name of the concept")
    category: str = column(TEXT, "diagnosis, sign, symptom or device")
    assertion: str = column(TEXT, "present, absent, uncertain, hypothetical, historical or family (ConText)")
    certainty: str | None = column(TEXT, "for an uncertain mention: probable, possible or unlikely", default=None, since=3)
    cue: str | None = column(TEXT, "the words that decided the assertion", phi=True, default=None)
    icd10cm_code: str | None = column(TEXT, "ICD-10-CM code", default=None)
    icd10cm_description: str | None = column(TEXT, "the code's description", default=None)
    icd10cm_billable: bool | None = column(FLAG, "whether the code is billable, that is, has no subcodes", default=None)
    icd10cm_release: str | None = column(
        TEXT, "the ICD-10-CM release of the code, or the version of the service's model", default=None
    )
    score: float = column(REAL, "confidence of the match to the code, 0 to 1")
    severity: str | None = column(TEXT, "minimal, mild, moderate, severe, or a range of two", default=None)
    change: str | None = column(TEXT, "new, unchanged, worse, better or resolved", default=None)
    laterality: str | None = column(TEXT, "left, right or bilateral", default=None)
    anatomy: str | None = column(TEXT, "the anatomical site, without its side", default=None)
    position: str | None = column(TEXT, "for a device: the words that describe its position", phi=True, default=None)
    organ: str | None = column(TEXT, "the organ it is of, as in liver", default=None, since=3)
    size_mm: float | None = column(REAL, "its largest diameter or its thickness in mm", default=None, since=3)
    prior_size_mm: float | None = column(
        REAL, "the same in an earlier examination, where the report says it", default=None, since=3
    )
    above_carina_mm: float | None = column(
        REAL, "for a tube: distance of its tip above the carina in mm, negative below it", default=None, since=3
    )
    spelling: str | None = column(TEXT, "for a misspelled mention: the words it was read as", default=None, since=3)


@dataclass(frozen=True, kw_only=True)
class TagRecord:
    """`tags`: one row per user-assigned tag of a study, such as a teaching file or a trial; no file if there are none."""

    tag: str = column(TEXT, "1 to 64 printable characters; rows are distinct and sorted")


@dataclass(frozen=True, kw_only=True)
class CatalogFile:
    """`catalogue`: one row per file of a study's tables, with what the ledger needs from it; derived from those files alone."""

    patient: str = column(TEXT, "patient part of the study key")
    study: str = column(TEXT, "study part of the study key")
    table_name: str = column(TEXT, "the table; for rejections with the asset, as in rejections/dicom_metadata")
    etag: str = column(TEXT, "the store's tag of the file, from the listing before it was read")
    inputs: str | None = column(
        TEXT,
        "digest of the file's inputs, for tags that of the tags; null if it cannot be read, or is older than any "
        "supported version",
        default=None,
    )
    version: int | None = column(COUNT, "version of its table when the file was written", default=None, since=3)
    run: str | None = column(TEXT, "the Dagster run that wrote the file", default=None)
    rows: int = column(COUNT, "number of rows in the file")
    outcomes: list[dict[str, Any]] = column(
        OUTCOMES, "outcomes of landed objects: an object used, with its SHA-256 and images, or an object or frame rejected"
    )


@dataclass(frozen=True, kw_only=True)
class LedgerEntry:
    """`ledger`: one row per landed object with its state, and one per key whose last version was replaced or deleted."""

    key: str = column(TEXT, "the object's key below the landing root")
    bytes: int = column(COUNT, "size in bytes")
    etag: str = column(TEXT, "the store's tag of this version of the object")
    version: str | None = column(TEXT, "the tag under which its bytes first landed, as in the inventory", default=None)
    kind: str = column(TEXT, "dicom, report or rejected, as in the inventory")
    patient: str | None = column(TEXT, "patient part of the study key", default=None)
    study: str | None = column(TEXT, "study part of the study key", default=None)
    state: str = column(TEXT, "one of the states of the contract")
    reason: str | None = column(TEXT, "why it was rejected, or the rule that excludes it", default=None)
    detail: str | None = column(TEXT, "the fault in one sentence; of a report that was used, what was not read", default=None)
    sha256: str | None = column(TEXT, "SHA-256 of the object, if it was used", default=None)
    images: int = column(COUNT, "number of its images in the study")
    refused_frames: int = column(COUNT, "number of its frames that were rejected")
    run: str | None = column(
        TEXT, "the Dagster run that determined the state: that of the study's table, or of the inventory", default=None
    )


TABLES: dict[str, type] = {
    "inventory": LandedObject,
    "intake": LandedChange,
    "rejections": Rejection,
    "dicom_metadata": ImageRecord,
    "thumbnails": ThumbnailRecord,
    "embeddings": EmbeddingRecord,
    "reports": ReportRecord,
    "report_entities": EntityRecord,
    "tags": TagRecord,
    "catalogue": CatalogFile,
    "ledger": LedgerEntry,
}
"""Table name → the record of its rows."""
