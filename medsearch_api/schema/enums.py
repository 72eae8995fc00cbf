"""Enumerations of the schema. Where the data's words are few and fixed they are values here, not strings."""

from enum import Enum

import strawberry
from strawberry import enum_value

from medsearch_core.search.index import FACET_FIELDS, TextField


@strawberry.enum(description="Sex of the patient, PatientSex (0010,0040).")
class Sex(Enum):
    FEMALE = enum_value("F", description="F")
    MALE = enum_value("M", description="M")
    OTHER = enum_value("O", description="O")


@strawberry.enum(description="What a report says of a finding (ConText).")
class Assertion(Enum):
    PRESENT = enum_value("present", description="It is there.")
    ABSENT = enum_value("absent", description="It is not there.")
    UNCERTAIN = enum_value("uncertain", description="It may be there.")
    HYPOTHETICAL = enum_value("hypothetical", description="It is looked for, or conditional.")
    HISTORICAL = enum_value("historical", description="It was there before.")
    FAMILY = enum_value("family", description="Somebody else of the family has it.")


@strawberry.enum(description="What kind of thing a report mentions.")
class Category(Enum):
    DIAGNOSIS = enum_value("diagnosis", description="A disease.")
    SIGN = enum_value("sign", description="Something seen.")
    SYMPTOM = enum_value("symptom", description="Something the patient feels.")


ReportField = strawberry.enum(
    TextField, name="ReportField", description="Where words are looked for: FINDINGS, IMPRESSION, or REPORT, the whole text."
)

FacetField = strawberry.enum(
    Enum("FacetField", {name.upper(): name for name in sorted(FACET_FIELDS)}),
    description="A field of reports whose values can be counted.",
)
