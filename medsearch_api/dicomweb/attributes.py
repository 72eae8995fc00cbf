"""The attributes that searches return and match: the column of each, and the conversion of rows to DICOM JSON (PS3.18 F).

Belongs here: Tables 10.6.1-5 and 10.6.3-3 to 10.6.3-5 of PS3.18, as far as `dicom_metadata` contains their attributes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from pydicom.datadict import keyword_for_tag, tag_for_keyword
from pydicom.dataset import Dataset

from medsearch_core.dicom.quiet import FAULTS, quiet

JsonDataset = dict[str, dict[str, Any]]


class Level(IntEnum):
    """A level of the information model. Resources of one level also have the attributes of the levels above it."""

    STUDY = 1
    SERIES = 2
    INSTANCE = 3


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute.

    Args:
        column: column in the UID index; None for a required attribute that is never known.
        level: the level (and table) it belongs to.
        is_default: whether it is returned without being requested.
        is_identifier: whether it is returned and matched only for users who may see identifiers.
        matching: how its key matches: text (wildcards), patient (text, or the key), uid (list), date (range) or
            modalities; None if it cannot be matched.
    """

    column: str | None
    level: Level
    is_default: bool = True
    is_identifier: bool = False
    matching: str | None = None


_STUDY, _SERIES, _INSTANCE = Level.STUDY, Level.SERIES, Level.INSTANCE

ATTRIBUTES: Mapping[str, Attribute] = {
    "StudyDate": Attribute("study_date", _STUDY, matching="date"),
    "StudyTime": Attribute("study_time", _STUDY),
    "AccessionNumber": Attribute(None, _STUDY, is_identifier=True),
    "ModalitiesInStudy": Attribute("modalities", _STUDY, matching="modalities"),
    "ReferringPhysicianName": Attribute(None, _STUDY, is_identifier=True),
    "PatientName": Attribute(None, _STUDY, is_identifier=True),
    "PatientID": Attribute("patient_id", _STUDY, is_identifier=True, matching="patient"),
    "PatientBirthDate": Attribute(None, _STUDY, is_identifier=True),
    "PatientSex": Attribute("patient_sex", _STUDY),
    "StudyInstanceUID": Attribute("study_instance_uid", _STUDY, matching="uid"),
    "StudyID": Attribute("study_id", _STUDY, is_identifier=True, matching="text"),
    "NumberOfStudyRelatedSeries": Attribute("study_series", _STUDY),
    "NumberOfStudyRelatedInstances": Attribute("study_instances", _STUDY),
    "StudyDescription": Attribute("study_description", _STUDY, is_default=False),
    "SOPClassesInStudy": Attribute("sop_classes", _STUDY, is_default=False),
    "Modality": Attribute("modality", _SERIES, matching="text"),
    "SeriesInstanceUID": Attribute("series_instance_uid", _SERIES, matching="uid"),
    "SeriesNumber": Attribute("series_number", _SERIES),
    "NumberOfSeriesRelatedInstances": Attribute("series_instances", _SERIES),
    "BodyPartExamined": Attribute("body_part_examined", _SERIES, is_default=False),
    "Laterality": Attribute("laterality", _SERIES, is_default=False),
    "Manufacturer": Attribute("manufacturer", _SERIES, is_default=False),
    "ManufacturerModelName": Attribute("manufacturer_model_name", _SERIES, is_default=False),
    "SOPClassUID": Attribute("sop_class_uid", _INSTANCE),
    "SOPInstanceUID": Attribute("sop_instance_uid", _INSTANCE, matching="uid"),
    "InstanceNumber": Attribute("instance_number", _INSTANCE),
    "Rows": Attribute("rows", _INSTANCE),
    "Columns": Attribute("columns", _INSTANCE),
    "NumberOfFrames": Attribute("frames", _INSTANCE),
    "BitsStored": Attribute("bits_stored", _INSTANCE, is_default=False),
    "PhotometricInterpretation": Attribute("photometric_interpretation", _INSTANCE, is_default=False),
    "ViewPosition": Attribute("view_position", _INSTANCE, is_default=False),
}


def find_keyword(name: str) -> str | None:
    """Return the dictionary keyword (PS3.6) of an attribute named by keyword or eight hex digits; None if it is unknown."""
    if len(name) == 8:
        try:
            return keyword_for_tag(int(name, 16)) or None
        except ValueError:
            pass
    return name if tag_for_keyword(name) is not None else None


def to_dicom_json(row: Mapping[str, Any], keywords: Iterable[str], url: str, *, shows_identifiers: bool) -> JsonDataset:
    """Convert a row to DICOM JSON.

    Unknown values, and identifiers that the user may not see, are returned empty, as are values that are invalid in DICOM.

    Args:
        url: RetrieveURL (0008,1190).
    """
    quiet()
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.InstanceAvailability = "ONLINE"
    ds.RetrieveURL = url
    for keyword in keywords:
        attribute = ATTRIBUTES[keyword]
        is_shown = attribute.column is not None and (shows_identifiers or not attribute.is_identifier)
        value = row[attribute.column] if is_shown and attribute.column else None
        if keyword in ("StudyDate", "StudyTime") and value is not None:
            value = value.replace("-", "").replace(":", "")
        try:
            setattr(ds, keyword, value)
        except FAULTS:
            setattr(ds, keyword, None)
    answer: JsonDataset = ds.to_json_dict(suppress_invalid_tags=True)
    return answer
