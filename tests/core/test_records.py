"""The data contract: the columns of version 2, and what follows from a column's metadata."""

from __future__ import annotations

from dataclasses import fields

import pytest

from medsearch_core.columns import FIRST_VERSION, TEXT, column, version_of
from medsearch_core.records import TABLES, ImageRecord

FIRST_COLUMNS = {
    "inventory": "key bytes etag kind patient study patient_id study_instance_uid report_names reason detail version "
    "is_study_shared",
    "intake": "key bytes etag kind patient study patient_id study_instance_uid report_names reason detail version "
    "is_study_shared change",
    "rejections": "key frame stage reason detail patient study",
    "dicom_metadata": "image_id patient study key sha256 bytes frame frames is_representative patient_id study_instance_uid "
    "series_instance_uid sop_instance_uid sop_class_uid transfer_syntax_uid study_id study_date study_time study_description "
    "series_number instance_number modality body_part_examined view_position laterality patient_orientation patient_sex "
    "patient_age_years manufacturer manufacturer_model_name kvp burned_in_annotation photometric_interpretation rows columns "
    "bits_stored pixel_spacing_mm",
    "thumbnails": "image_id path width height bytes sha256",
    "embeddings": "image_id model_id model_version vector",
    "reports": "report_id patient study key sha256 encoding ner_version text examination indication technique comparison "
    "findings impression positive_diagnoses negative_diagnoses positive_icd10cms negative_icd10cms positive_signs "
    "negative_signs positive_symptoms negative_symptoms present_codes absent_codes uncertain_codes conflicts",
    "report_entities": "report_id text begin end section concept category assertion cue icd10cm_code icd10cm_description "
    "icd10cm_billable icd10cm_release score severity change laterality anatomy position",
    "tags": "tag",
    "catalogue": "patient study table_name etag inputs run rows outcomes",
    "ledger": "key bytes etag version kind patient study state reason detail sha256 images refused_frames run",
}
"""Table → the columns of its first version, which files in warehouses have. Later columns are not added here."""


@pytest.mark.parametrize("table", TABLES)
def test_the_first_columns_stay_and_every_other_says_since_which_version_it_is_there_and_may_be_null(table: str) -> None:
    columns = {f.name: f.metadata for f in fields(TABLES[table])}
    first = set(FIRST_COLUMNS[table].split())
    assert first <= columns.keys()
    later = {name: metadata for name, metadata in columns.items() if name not in first}
    assert all(metadata["since"] > FIRST_VERSION and metadata["nullable"] for metadata in later.values())
    assert version_of(TABLES[table]) == max(m["since"] for m in columns.values())


def test_an_attribute_that_is_shown_identifies_nobody() -> None:
    with pytest.raises(ValueError, match="label"):
        column(TEXT, "PatientName (0010,0010)", phi=True, label="Name")
    assert not any(f.metadata["phi"] for f in fields(ImageRecord) if f.metadata["label"])
