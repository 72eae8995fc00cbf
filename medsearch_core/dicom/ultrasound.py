"""The calibrated regions of an ultrasound image (PS3.3 C.8.5.5)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pydicom.dataset import Dataset

from medsearch_core.dicom.attributes import integer, items, number, value

MAX_REGIONS, MAX_COUNTED = 32, 1000
TWO_DIMENSIONAL, CENTIMETERS = 1, 3
SPATIAL_FORMATS = ("none", "2D", "M-mode", "spectral", "waveform", "graphics")
"""By RegionSpatialFormat (C.8.5.5.1.1)."""
DATA_TYPES = (
    "none", "tissue", "color flow", "PW spectral Doppler", "CW spectral Doppler", "Doppler mean trace", "Doppler mode trace",
    "Doppler max trace", "volume trace", "d(volume)/dt trace", "ECG trace", "pulse trace", "phonocardiogram trace", "gray bar",
    "color bar", "integrated backscatter", "area trace", "d(area)/dt", "other physiological trace",
)  # fmt: skip
"""By RegionDataType (C.8.5.5.1.2)."""
UNITS = ("none", "%", "dB", "cm", "s", "Hz", "dB/s", "cm/s", "cm²", "cm²/s", "cm³", "cm³/s", "deg")
"""By PhysicalUnitsXDirection and -YDirection (C.8.5.5.1.15)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A region.

    Args:
        min_x: its first column, counted from 0; likewise its first row, last column and last row.
        spatial_format: one of `SPATIAL_FORMATS`; None if it is another one. Likewise data type and units.
        delta_x: how much a pixel to the right is, in `unit_x`; likewise downward.
        pixel_spacing_mm: spacing of rows and of columns, in 2D regions that are in cm.
    """

    min_x: int
    min_y: int
    max_x: int
    max_y: int
    spatial_format: str | None
    data_type: str | None
    unit_x: str | None
    unit_y: str | None
    delta_x: float | None
    delta_y: float | None
    pixel_spacing_mm: list[float] | None


@dataclass(frozen=True, slots=True)
class Regions:
    """The regions of an object, in order, and how many of its items are none, reach beyond the image, or are too many."""

    usable: tuple[Region, ...]
    unusable: int
    clipped: int
    beyond: int


def region_rows(ds: Dataset) -> list[dict[str, Any]] | None:
    """The regions as values of a column; None if there are none."""
    return [asdict(region) for region in ultrasound_regions(ds).usable] or None


def ultrasound_regions(ds: Dataset) -> Regions:
    """The first `MAX_REGIONS` regions of an object. Each is clipped to the image."""
    rows, columns = integer(ds, "Rows") or 0, integer(ds, "Columns") or 0
    held = value(ds, "SequenceOfUltrasoundRegions")
    stated = items(ds, "SequenceOfUltrasoundRegions", MAX_REGIONS)
    found = [_region(each, rows, columns) for each in stated]
    usable = tuple(region for region in found if region is not None)
    clipped = sum(
        _reaches_beyond(each, rows, columns) for each, region in zip(stated, found, strict=True) if region is not None
    )
    is_no_sequence = held is not None and not stated
    beyond = len(items(ds, "SequenceOfUltrasoundRegions", MAX_COUNTED)) - len(stated)
    return Regions(usable, len(found) - len(usable) + is_no_sequence, clipped, beyond)


def _region(of: Dataset, rows: int, columns: int) -> Region | None:
    box = [integer(of, f"RegionLocation{end}") for end in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
    if None in box:
        return None
    left, top, right, bottom = (side or 0 for side in box)
    right, bottom = min(right, columns - 1), min(bottom, rows - 1)
    if not (0 <= left <= right and 0 <= top <= bottom):
        return None
    units = integer(of, "PhysicalUnitsXDirection"), integer(of, "PhysicalUnitsYDirection")
    deltas = number(of, "PhysicalDeltaX"), number(of, "PhysicalDeltaY")
    form = integer(of, "RegionSpatialFormat")
    spacing = None
    if form == TWO_DIMENSIONAL and units == (CENTIMETERS, CENTIMETERS) and deltas[0] and deltas[1]:
        spacing = [10 * abs(deltas[1]), 10 * abs(deltas[0])]
    return Region(
        min_x=left,
        min_y=top,
        max_x=right,
        max_y=bottom,
        spatial_format=_named(SPATIAL_FORMATS, form),
        data_type=_named(DATA_TYPES, integer(of, "RegionDataType")),
        unit_x=_named(UNITS, units[0]),
        unit_y=_named(UNITS, units[1]),
        delta_x=deltas[0],
        delta_y=deltas[1],
        pixel_spacing_mm=spacing,
    )


def _reaches_beyond(of: Dataset, rows: int, columns: int) -> bool:
    return (integer(of, "RegionLocationMaxX1") or 0) >= columns or (integer(of, "RegionLocationMaxY1") or 0) >= rows


def _named(names: tuple[str, ...], number: int | None) -> str | None:
    return names[number] if number is not None and 0 <= number < len(names) else None
