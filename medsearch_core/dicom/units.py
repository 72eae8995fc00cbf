"""The unit of a frame's modality values (PS3.3 C.11.1.1.2), where the object says it or its kind implies it."""

from __future__ import annotations

from pydicom.dataset import Dataset

from medsearch_core.dicom.attributes import functional_group, item, numbers, text

HOUNSFIELD = "HU"
NAMES = {
    "HU": HOUNSFIELD,
    "[HNSF'U]": HOUNSFIELD,
    "OD": "OD",
    "MGML": "mg/ml",
    "Z_EFF": "Zeff",
    "HU_MOD": "modified HU",
    "PCT": "%",
    "BQML": "Bq/ml",
    "BQ/ML": "Bq/ml",
    "CNTS": "counts",
    "PROPCNTS": "",
    "US": "",
    "NONE": "",
    "1": "",
}
"""Code of a unit, of Rescale Type, of the PET Series module (C.8.9.1.1.3) or of UCUM → its name; empty for none."""
MAX_NAME_LENGTH = 16


def value_unit(ds: Dataset, frame: int) -> str | None:
    """The unit of a frame's values after its modality transformation; None if they have none or it is unknown.

    RescaleType or ModalityLUTType, else Units of a PET image, else HU for an original CT image, else that of a real world value
    mapping which is the same transformation.
    """
    transform = functional_group(ds, frame, "PixelValueTransformationSequence") or ds
    table = item(ds, "ModalityLUTSequence")
    stated = text(table, "ModalityLUTType") if table is not None else text(transform, "RescaleType")
    if stated:
        return _named(stated)
    if table is not None or numbers(transform, "RescaleSlope") is None:
        return None
    if text(ds, "Modality") == "PT" and (units := text(ds, "Units")):
        return _named(units)
    return HOUNSFIELD if _is_original_ct(ds) else _mapped_unit(ds, frame, transform)


def _is_original_ct(ds: Dataset) -> bool:
    """Whether the standard requires Hounsfield units (C.8.2.1.1.2): not of localizers, nor of what was computed from images."""
    types = (text(ds, "ImageType") or "").upper().split("\\")
    is_original = types[0] == "ORIGINAL" and "SECONDARY" not in types and "LOCALIZER" not in types
    return text(ds, "Modality") == "CT" and is_original and text(ds, "MultienergyCTAcquisition") != "YES"


def _mapped_unit(ds: Dataset, frame: int, transform: Dataset) -> str | None:
    """The unit of the frame's real world value mapping (C.7.6.16.2.11), if it is the modality transformation."""
    mapping = functional_group(ds, frame, "RealWorldValueMappingSequence") or item(ds, "RealWorldValueMappingSequence")
    code = item(mapping, "MeasurementUnitsCodeSequence") if mapping is not None else None
    if mapping is None or code is None:
        return None
    mapped = numbers(mapping, "RealWorldValueSlope"), numbers(mapping, "RealWorldValueIntercept")
    rescaled = numbers(transform, "RescaleSlope"), numbers(transform, "RescaleIntercept")
    unit = text(code, "CodeValue")
    return _named(unit) if unit and mapped == rescaled else None


def _named(code: str) -> str | None:
    name = NAMES.get(code.upper(), code)
    return name[:MAX_NAME_LENGTH] or None
