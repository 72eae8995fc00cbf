"""Real world values: what a frame's stored values measure, by its own mappings (PS3.3 C.7.6.16.2.11)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from medsearch_core.dicom.attributes import functional_groups, integer, item, items, number, numbers, text, value
from medsearch_core.dicom.transforms import Modality

SEQUENCE = "RealWorldValueMappingSequence"
MAX_MAPPINGS = 8
MAX_ENTRIES = 2**16
MAX_LENGTH = 16
"""The maximum length of a label or of a code (SH, PS3.5 6.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealWorldMapping:
    """A mapping of modality values from `low` to `high`, as a frame's values are sent. Others have no real world value.

    Args:
        label: LUTLabel (0040,9210).
        unit: the code of its unit in UCUM.
        low: the lowest value mapped; None if there is no limit, and likewise `high`.
        slope: of a linear mapping: the real world value is `slope` times the value plus `intercept`.
        table: of another one: the real world values of `low`, of `high`, and of the values between them in equal steps.
    """

    label: str | None
    unit: str | None
    low: float | None
    high: float | None
    slope: float | None = None
    intercept: float | None = None
    table: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class RealWorldMappings:
    """The mappings of a frame that can be used, in order, and how many of its items cannot."""

    usable: tuple[RealWorldMapping, ...]
    unusable: int


def real_world_mappings(ds: Dataset, frame: int, modality: Modality) -> RealWorldMappings:
    """The first `MAX_MAPPINGS` mappings of a frame (1-based): its own, else those that all frames share, else the object's.

    Args:
        modality: makes modality values of stored ones. Through a table of its own, stored values cannot be told from them.
    """
    holders = [*functional_groups(ds, frame), ds]
    stated = next((own for holder in holders if (own := items(holder, SEQUENCE, MAX_MAPPINGS))), [])
    is_float = value(ds, "FloatPixelData") is not None or value(ds, "DoubleFloatPixelData") is not None
    is_signed = integer(ds, "PixelRepresentation") == 1
    found = [_mapping(each, modality, is_float=is_float, is_signed=is_signed) for each in stated]
    usable = tuple(mapping for mapping in found if mapping is not None)
    return RealWorldMappings(usable, len(found) - len(usable))


def _mapping(of: Dataset, modality: Modality, *, is_float: bool, is_signed: bool) -> RealWorldMapping | None:
    prefix = "DoubleFloat" if is_float else ""
    first, last = (number(of, f"{prefix}RealWorldValue{end}ValueMapped") for end in ("First", "Last"))
    if not is_float:
        first, last = (None if end is None else _as_stored(end, is_signed=is_signed) for end in (first, last))
    if modality.table is not None or (first is not None and last is not None and first > last):
        return None
    slope, intercept = float(modality.slope), float(modality.intercept)
    ends = [None if end is None else end * slope + intercept for end in (first, last)]
    low, high = ends if slope > 0 else ends[::-1]
    label, unit = (text(of, "LUTLabel") or "")[:MAX_LENGTH] or None, _unit(of)
    table = None if is_float else _table(of, first, last)
    if table is not None:
        return RealWorldMapping(label=label, unit=unit, low=low, high=high, table=table if slope > 0 else table[::-1])
    real_slope, real_intercept = number(of, "RealWorldValueSlope"), number(of, "RealWorldValueIntercept")
    if real_slope is None or real_intercept is None:
        return None
    steep = real_slope / slope
    start = real_intercept - steep * intercept
    is_finite = bool(np.isfinite([steep, start]).all())
    return RealWorldMapping(label=label, unit=unit, low=low, high=high, slope=steep, intercept=start) if is_finite else None


def _table(of: Dataset, first: float | None, last: float | None) -> tuple[float, ...] | None:
    """The entries of a table, one for each stored value from first to last; None if there is none or it is too short."""
    entries = numbers(of, "RealWorldValueLUTData")
    if not entries or first is None or last is None:
        return None
    count = int(last - first) + 1
    return tuple(entries[:count]) if count <= min(len(entries), MAX_ENTRIES) else None


def _as_stored(end: float, *, is_signed: bool) -> float:
    """A limit that was written with the other sign (US or SS)."""
    if is_signed:
        return end - 2**16 if end >= 2**15 else end
    return end + 2**16 if end < 0 else end


def _unit(of: Dataset) -> str | None:
    code = item(of, "MeasurementUnitsCodeSequence")
    if code is None or text(code, "CodingSchemeDesignator") not in ("UCUM", None):
        return None
    return (text(code, "CodeValue") or "")[:MAX_LENGTH] or None
