"""Header attributes as rows of `dicom_metadata`. Absent or malformed attributes are null; the image is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import date
from typing import Any

from pydicom.dataset import Dataset

from medsearch_core.columns import COUNT, COUNTS, REAL, REALS, TEXT
from medsearch_core.dicom.attributes import functional_group, functional_groups, integer, integers, item, number, numbers, text
from medsearch_core.dicom.dataset import Identity, identity
from medsearch_core.dicom.frames.frame_type import frame_type
from medsearch_core.dicom.frames.layout import frame_count
from medsearch_core.dicom.geometry import image_orientation, image_position_mm, pixel_spacing_mm
from medsearch_core.dicom.overlays import has_overlay
from medsearch_core.dicom.ultrasound import region_rows
from medsearch_core.dicom.views import view_modifiers, view_position
from medsearch_core.errors import BadInput
from medsearch_core.keys import image_id
from medsearch_core.records import ImageRecord

DAYS_PER_YEAR = 365.25
YEARS = {"Y": 1.0, "M": 1 / 12, "W": 7 / DAYS_PER_YEAR, "D": 1 / DAYS_PER_YEAR}
AGE = re.compile(r"(\d{1,3})([YMWD])")
DATE = re.compile(r"(\d{4})([.-]?)(\d\d)\2(\d\d)")
DATETIME = re.compile(r"(\d{8})(\d{2}(?:\d{2}){0,2})?((?<=\d{14})\.\d{1,6})?([+-]\d{4})?")
TIME = re.compile(r"([01]\d|2[0-3])(?::?([0-5]\d)(?::?([0-5]\d)(?:\.\d{0,6})?)?)?")

READERS: dict[Any, Callable[[Dataset, str], Any]] = {
    TEXT: text,
    COUNT: integer,
    REAL: number,
    REALS: numbers,
    COUNTS: integers,
}
PLAIN = {f.name: (f.metadata["dicom"], READERS[f.metadata["type"]]) for f in fields(ImageRecord) if f.metadata["dicom"]}
"""Column → its DICOM keyword and its reader, chosen by the column's type, for the columns that name a keyword."""
MACROS = {f.name: f.metadata["macros"] for f in fields(ImageRecord) if f.metadata["macros"]}
"""Column → the functional group macros that may have its attribute for each frame, of those columns."""


def image_records(
    ds: Dataset,
    *,
    patient: str,
    study: str,
    key: str,
    sha256: str,
    bytes: int,
    frames: Sequence[int],
    who: Identity | None = None,
) -> list[ImageRecord]:
    """One row per frame of an object.

    The representative frame is the only one, or the middle one (`len // 2 + 1`) of those given.

    Args:
        ds: with or without its pixels.
        patient: patient part of the study key.
        study: study part of the study key.
        key: the object's key.
        sha256: of the object.
        bytes: size of the object.
        frames: the frames (1-based, ascending) that can be shown.
        who: the object's identifiers, if they are not those of its header.

    Raises:
        BadInput: `missing_identity`; or `unsupported_pixel_format`, Rows or Columns is invalid.
    """
    who, count = who or identity(ds), frame_count(ds)
    rows, columns = integer(ds, "Rows"), integer(ds, "Columns")
    if not rows or not columns:
        raise BadInput("unsupported_pixel_format", "Rows or Columns is absent or zero")
    plain = {name: read(ds, keyword) for name, (keyword, read) in PLAIN.items()}
    regions, modifiers = region_rows(ds), view_modifiers(ds)
    middle = frames[len(frames) // 2] if frames else None
    return [
        ImageRecord(
            image_id=image_id(who.sop_instance_uid, frame, count),
            patient=patient,
            study=study,
            key=key,
            sha256=sha256,
            bytes=bytes,
            frame=frame,
            frames=count,
            is_representative=frame == middle,
            patient_id=who.patient_id or None,
            study_instance_uid=who.study_instance_uid,
            series_instance_uid=who.series_instance_uid,
            sop_instance_uid=who.sop_instance_uid,
            **plain | own_values(ds, frame),
            transfer_syntax_uid=text(getattr(ds, "file_meta", Dataset()), "TransferSyntaxUID"),
            study_id=who.study_id,
            study_date=iso_date(text(ds, "StudyDate")),
            study_time=iso_time(text(ds, "StudyTime")),
            view_position=view_position(ds),
            view_modifiers=modifiers,
            laterality=laterality(ds, frame),
            patient_sex=_one_of("MFO", text(ds, "PatientSex")),
            patient_age_years=age_years(text(ds, "PatientAge")),
            image_type=frame_type(ds, frame) or text(ds, "ImageType"),
            burned_in_annotation=_one_of(("YES", "NO"), text(ds, "BurnedInAnnotation")),
            rows=rows,
            columns=columns,
            pixel_spacing_mm=pixel_spacing_mm(ds, frame),
            image_position_mm=image_position_mm(ds, frame),
            image_orientation=image_orientation(ds, frame),
            acquisition_datetime=_acquired(ds, frame),
            has_overlay=has_overlay(ds, frame),
            ultrasound_regions=regions,
        )
        for frame in frames
    ]


def own_values(ds: Dataset, frame: int) -> dict[str, Any]:
    """Column → the value of the functional groups of a frame (1-based), of the columns for which they have one."""
    found: dict[str, Any] = {}
    all_groups = functional_groups(ds, frame)
    for name, macros in MACROS.items() if all_groups else ():
        keyword, read = PLAIN[name]
        values = (
            read(group, keyword) for groups in all_groups for macro in macros if (group := item(groups, macro)) is not None
        )
        if (own := next((each for each in values if each is not None), None)) is not None:
            found[name] = own
    return found


def iso_date(stored: str | None) -> str | None:
    """A date (DA, or the YYYY.MM.DD of ACR-NEMA: PS3.5 6.2) as YYYY-MM-DD; None if there is no such day."""
    match = DATE.fullmatch(stored or "")
    try:
        return date(int(match[1]), int(match[3]), int(match[4])).isoformat() if match else None
    except ValueError:
        return None


def iso_time(stored: str | None) -> str | None:
    """A time (TM, or the HH:MM:SS of ACR-NEMA: PS3.5 6.2) as HH:MM:SS, without fractions, omitted parts as zero."""
    match = TIME.fullmatch(stored or "")
    return ":".join(part or "00" for part in match.groups()) if match else None


def iso_datetime(stored: str | None) -> str | None:
    """A date and time (DT: PS3.5 6.2) in ISO 8601, with fraction and offset; None if it has no day or is invalid."""
    match = DATETIME.fullmatch(stored or "")
    day, time = (iso_date(match[1]), iso_time(match[2])) if match else (None, None)
    if match is None or day is None or (match[2] and time is None):
        return None
    offset = f"{match[4][:3]}:{match[4][3:]}" if match[4] else ""
    return f"{day}T{time}{match[3] or ''}{offset}" if time else day


def _acquired(ds: Dataset, frame: int) -> str | None:
    content = functional_group(ds, frame, "FrameContentSequence")
    stated = (text(content, "FrameAcquisitionDateTime") if content is not None else None, text(ds, "AcquisitionDateTime"))
    found = next((moment for each in stated if (moment := iso_datetime(each))), None)
    return found or iso_datetime((text(ds, "AcquisitionDate") or "") + (text(ds, "AcquisitionTime") or ""))


def age_years(stored: str | None) -> float | None:
    """An age (AS: PS3.5 6.2) in years of 12 months or 365.25 days."""
    match = AGE.fullmatch((stored or "").upper())
    return int(match[1]) * YEARS[match[2]] if match else None


def laterality(ds: Dataset, frame: int) -> str | None:
    """ImageLaterality, else FrameLaterality of the frame (1-based), else Laterality, which is of the series."""
    anatomy = functional_group(ds, frame, "FrameAnatomySequence")
    of_frame = text(anatomy, "FrameLaterality") if anatomy is not None else None
    return text(ds, "ImageLaterality") or of_frame or text(ds, "Laterality")


def _one_of(allowed: Sequence[str], stored: str | None) -> str | None:
    upper = (stored or "").upper()
    return upper if upper and upper in list(allowed) else None
