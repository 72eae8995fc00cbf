"""What lies over a frame's grays or beside them: colors of some values, overlay planes, what values measure."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset

from medsearch_core.dicom.color import entry_bits
from medsearch_core.dicom.frames.stored import StoredFrame
from medsearch_core.dicom.inspection.record import Disagreement, Step
from medsearch_core.dicom.overlays import frame_overlays
from medsearch_core.dicom.pixels import colors_beside_grays
from medsearch_core.dicom.real_world import RealWorldMapping, real_world_mappings
from medsearch_core.dicom.supplemental_palette import has_supplemental_palette, in_color
from medsearch_core.dicom.transforms import Modality
from medsearch_core.dicom.units import NAMES

_UCUM = """
    1 % ms s min um mm cm um2/s mm2/s cm/s mm/s ml/min ml/s 1/s 1/min Cel deg rad g/cm3 mg/cm3 mg/ml ug/ml g/ml {SUVbw}g/ml
    g/ml{SUVbw} {SUVlbm}g/ml {SUVbsa}cm2/ml kPa Pa Hz [hnsf'U] Bq/ml umol/min/ml ml/100ml/s ml/100g
    ml/100ml/min ml/100g/min {counts}
"""
UCUM = frozenset(_UCUM.split())
"""Units that are told: free text may hold anything."""


def supplemental_step(ds: Dataset, frame: int, stored: StoredFrame) -> Iterator[Step]:
    """The palette of the values that are in color, if there are any."""
    tables = colors_beside_grays(ds, frame, stored)
    if tables is None:
        return
    share, bits = float(in_color(stored, tables).mean()), entry_bits(tables)
    parameters: dict[str, object] = {
        "first": tables[0].first,
        "entries": len(tables[0].entries),
        "bits": bits,
        "share": round(share, 4),
    }
    yield Step(name="supplemental palette", result=f"values from {tables[0].first} on are in color", parameters=parameters)


def overlay_step(ds: Dataset, frame: int, *, are_drawn: bool) -> Iterator[Step]:
    """The overlay planes, if there are any."""
    found, _ = frame_overlays(ds, frame)
    if found:
        parameters = {
            "groups": [f"{overlay.group:04X}" for overlay in found],
            "embedded": sum(overlay.is_embedded for overlay in found),
            "bits_set": sum(int(overlay.bits.sum()) for overlay in found),
        }
        yield Step(name="overlays", result="drawn" if are_drawn else "not drawn", parameters=parameters)


def real_world_steps(ds: Dataset, frame: int, modality: Modality) -> Iterator[Step]:
    """Each mapping to real world values."""
    for mapping in real_world_mappings(ds, frame, modality).usable:
        kind: dict[str, object] = {"slope": mapping.slope, "intercept": mapping.intercept}
        if mapping.table is not None:
            kind = {"entries": len(mapping.table)}
        result = "linear" if mapping.table is None else "LUT"
        parameters: dict[str, object] = {"low": mapping.low, "high": mapping.high, **kind, "unit": _unit(mapping)}
        yield Step(name="real world", result=result, parameters=parameters)


def layer_disagreements(ds: Dataset, frame: int, stored: StoredFrame, modality: Modality) -> Iterator[Disagreement]:
    """What cannot be used of these. The picture is shown without it."""
    if has_supplemental_palette(ds, frame) and colors_beside_grays(ds, frame, stored) is None:
        yield Disagreement("supplemental_palette", "the palette of values in color cannot be used; they are shown in gray")
    if unusable := real_world_mappings(ds, frame, modality).unusable:
        yield Disagreement("real_world_mapping", f"{unusable} mappings to real world values cannot be used")


def overlay_disagreements(ds: Dataset, frame: int) -> Iterator[Disagreement]:
    """Each overlay plane that cannot be drawn."""
    for fault in frame_overlays(ds, frame)[1]:
        yield Disagreement("overlay", f"the overlay of group {fault.group:04X} cannot be drawn: {fault.detail}")


def _unit(mapping: RealWorldMapping) -> str | None:
    is_told = mapping.unit is None or mapping.unit in UCUM or mapping.unit in NAMES
    return mapping.unit if is_told else "another"
