"""Enumerations of the schema, for data with a small fixed set of values."""

from enum import Enum

import strawberry
from strawberry import enum_value

from medsearch_core.search import similar_images
from medsearch_core.search.facets import FACETS
from medsearch_core.search.query import TextField


@strawberry.enum(description="Sex of the patient, PatientSex (0010,0040).")
class Sex(Enum):
    FEMALE = enum_value("F", description="F")
    MALE = enum_value("M", description="M")
    OTHER = enum_value("O", description="O")


@strawberry.enum(description="What a report asserts about a finding (ConText).")
class Assertion(Enum):
    PRESENT = enum_value("present", description="The finding is present.")
    ABSENT = enum_value("absent", description="The finding is absent.")
    UNCERTAIN = enum_value("uncertain", description="The finding is probable, possible or unlikely.")
    HYPOTHETICAL = enum_value("hypothetical", description="The finding is asked about, or conditional.")
    HISTORICAL = enum_value("historical", description="The finding was present in the past.")
    FAMILY = enum_value("family", description="A family member has it.")


@strawberry.enum(description="How likely an uncertain finding is.")
class Certainty(Enum):
    PROBABLE = enum_value("probable", description="Probable or likely; searches count it as present.")
    POSSIBLE = enum_value("possible", description="Possible.")
    UNLIKELY = enum_value("unlikely", description="Unlikely, but not excluded.")


@strawberry.enum(description="The kind of concept that a report mentions.")
class Category(Enum):
    DIAGNOSIS = enum_value("diagnosis", description="A disease.")
    SIGN = enum_value("sign", description="An imaging finding.")
    SYMPTOM = enum_value("symptom", description="A complaint of the patient.")
    DEVICE = enum_value("device", description="A tube, line or implant.")


@strawberry.enum(description="The part of a report to search.")
class ReportField(Enum):
    FINDINGS = enum_value(TextField.FINDINGS, description="The FINDINGS section.")
    IMPRESSION = enum_value(TextField.IMPRESSION, description="The IMPRESSION section.")
    REPORT = enum_value(TextField.REPORT, description="The whole report.")


@strawberry.enum(description="What to exclude from the images similar to an image.")
class Exclude(Enum):
    NOTHING = enum_value(similar_images.Exclude.NOTHING, description="Nothing; the image itself ranks first.")
    IMAGE = enum_value(similar_images.Exclude.IMAGE, description="The image itself.")
    STUDY = enum_value(similar_images.Exclude.STUDY, description="All images of its study.")
    PATIENT = enum_value(similar_images.Exclude.PATIENT, description="All images of its patient.")


@strawberry.enum(description="A file format accepted for search by file.")
class UploadFormat(Enum):
    DICOM = enum_value("DICOM", description="A DICOM object (PS3.10), in any transfer syntax that can be ingested.")
    PNG = enum_value("PNG", description="A PNG with 8 or 16 bits per channel.")
    JPEG = enum_value("JPEG", description="A JPEG.")


@strawberry.enum(description="A report field whose values can be counted.")
class FacetField(Enum):
    _ignore_ = ["facet", "spoken"]  # noqa: RUF012
    POSITIVE_DIAGNOSES = enum_value("positive_diagnoses", description="Diagnoses present.")
    NEGATIVE_DIAGNOSES = enum_value("negative_diagnoses", description="Diagnoses absent.")
    POSITIVE_ICD10CMS = enum_value("positive_icd10cms", description="ICD-10-CM descriptions present.")
    NEGATIVE_ICD10CMS = enum_value("negative_icd10cms", description="ICD-10-CM descriptions absent.")
    POSITIVE_SIGNS = enum_value("positive_signs", description="Signs present.")
    NEGATIVE_SIGNS = enum_value("negative_signs", description="Signs absent.")
    POSITIVE_SYMPTOMS = enum_value("positive_symptoms", description="Symptoms present.")
    NEGATIVE_SYMPTOMS = enum_value("negative_symptoms", description="Symptoms absent.")
    PRESENT_CODES = enum_value("present_codes", description="ICD-10-CM codes present.")
    ABSENT_CODES = enum_value("absent_codes", description="ICD-10-CM codes absent.")
    UNCERTAIN_CODES = enum_value("uncertain_codes", description="ICD-10-CM codes uncertain.")
    for facet in FACETS:
        spoken = facet.name.replace("_", " ").capitalize()
        vars()[facet.name.upper()] = enum_value(facet.name, description=f"{spoken} of the study's images.")
    TAGS = enum_value("tags", description="User-assigned tags of the study.")
    PATIENT = enum_value("patient", description="Patient keys.")
    STUDY = enum_value("study", description="Study keys.")
    PATIENT_SEX = enum_value("patient_sex", description="Sexes: F, M or O.")
    STUDY_DATE = enum_value("study_date", description="Study dates.")
    NER_VERSION = enum_value("ner_version", description="Versions of the report NLP engine.")
