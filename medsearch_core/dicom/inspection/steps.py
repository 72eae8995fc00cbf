"""The steps of one frame, from its bytes to its thumbnail, in the order in which they are taken."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from medsearch_core.dicom.attributes import text
from medsearch_core.dicom.codestreams.codecs import DECODERS, NAME, REDUCED, SYNTAXES
from medsearch_core.dicom.codestreams.header import Format, Header
from medsearch_core.dicom.color import entry_bits, palette
from medsearch_core.dicom.frames.pixel_data import PixelData
from medsearch_core.dicom.frames.stored import RUN_LENGTHS, StoredFrame
from medsearch_core.dicom.geometry import pixel_aspect
from medsearch_core.dicom.grayscale import Grays, is_low_bright, modality_transform
from medsearch_core.dicom.inspection.layers import overlay_step, real_world_steps, supplemental_step
from medsearch_core.dicom.inspection.place import frame_step
from medsearch_core.dicom.inspection.record import Parameters, Step
from medsearch_core.dicom.lookup_tables import LookupTable
from medsearch_core.dicom.padding import padding, real_values
from medsearch_core.dicom.pixels import Drawn
from medsearch_core.dicom.resampling import sampled
from medsearch_core.dicom.transforms import Modality, Ramp, TableLevels
from medsearch_core.dicom.units import NAMES, value_unit


def frame_steps(
    ds: Dataset,
    pixels: PixelData,
    frame: int,
    header: Header | None,
    stored: StoredFrame,
    drawn: Drawn,
    *,
    has_overlays: bool = False,
) -> Iterator[Step]:
    """The steps of a frame (1-based) that was decoded and drawn, with its overlays if `has_overlays`."""
    yield _decoding(pixels, frame, header, stored)
    yield _samples(stored)
    yield Step(
        name="colors",
        result=stored.photometric,
        parameters={"photometric_interpretation": pixels.layout.photometric, "samples_per_pixel": pixels.layout.samples},
    )
    if stored.photometric == "PALETTE COLOR":
        yield _palette(ds)
    yield from supplemental_step(ds, frame, stored)
    yield from frame_step(ds, frame)
    yield _size(ds, pixels, frame, drawn)
    if drawn.chosen is not None:
        yield _padding(ds, stored)
        yield _modality(modality_transform(ds, frame), _unit(ds, frame))
        yield _grays(drawn.chosen)
        yield _presentation(ds)
        yield from real_world_steps(ds, frame, modality_transform(ds, frame))
    yield from overlay_step(ds, frame, are_drawn=has_overlays)


def _decoding(pixels: PixelData, frame: int, header: Header | None, stored: StoredFrame) -> Step:
    parameters: dict[str, object] = {"decoder": _decoder(stored), "is_lossy": stored.is_lossy, "halvings": stored.halvings}
    if pixels.division is not None:
        parameters |= {"bytes": len(pixels.compressed(frame)), "fragments": len(pixels.division[frame - 1])}
    if header is not None:
        parameters |= {
            "components": header.components or None,
            "precision": header.precision or None,
            "is_signed": header.is_signed,
            "colors": header.colors or None,
        }
    return Step(name="decoding", result=stored.codec, parameters=parameters)


def _decoder(stored: StoredFrame) -> str | None:
    """The plugin that decodes it; None where none is needed."""
    if stored.halvings:
        return REDUCED
    if stored.codec == Format.JPEG_XL:
        return NAME
    if stored.codec == RUN_LENGTHS:
        return DECODERS[RLELossless]
    return next((DECODERS[syntax] for format_, syntax in SYNTAXES.items() if format_ == stored.codec), None)


def _samples(stored: StoredFrame) -> Step:
    samples, place = stored.samples, stored.place
    kind = {"f": "floating point", "i": "signed"}.get(samples.dtype.kind, "unsigned")
    parameters: dict[str, object] = {"bits": stored.bits, "is_signed": samples.dtype.kind != "u", **_range(samples)}
    if place is not None and samples.dtype.kind != "f":
        parameters |= {"held_bits": place.held, "lowest_bit": place.lowest, "is_cut_out": stored.is_cut_out}
    return Step(name="samples", result=f"{stored.bits} bits, {kind}", parameters=parameters)


def _range(samples: np.ndarray) -> Parameters:
    finite = samples[np.isfinite(samples)] if samples.dtype.kind == "f" else samples
    return {"min": finite.min().item(), "max": finite.max().item()} if finite.size else {"min": None, "max": None}


def _palette(ds: Dataset) -> Step:
    tables = palette(ds)
    bits = entry_bits(tables)
    parameters = {"entries": [len(t.entries) for t in tables], "first": tables[0].first, "claimed_bits": tables[0].bits}
    return Step(name="palette", result=f"entries of {bits} bits", parameters={**parameters, "bits": bits})


def _size(ds: Dataset, pixels: PixelData, frame: int, drawn: Drawn) -> Step:
    layout, (height, width) = pixels.layout, drawn.pixels.shape[:2]
    parameters = {"rows": layout.rows, "columns": layout.columns, "aspect": pixel_aspect(ds, frame)}
    return Step(name="size", result=f"{width} × {height}", parameters={**parameters, "width": width, "height": height})


def _padding(ds: Dataset, stored: StoredFrame) -> Step:
    limits = padding(ds, stored)
    if limits is None:
        return Step(name="padding", result="none")
    sample = sampled(stored.samples)
    share = 1 - len(real_values(ds, stored, sample)) / sample.size
    low, high = limits
    result = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    return Step(name="padding", result=result, parameters={"low": low, "high": high, "share": round(share, 4)})


def _unit(ds: Dataset, frame: int) -> str | None:
    """The unit, unless an object words it in its own way: free text may hold anything."""
    unit = value_unit(ds, frame)
    return unit if unit is None or unit in NAMES.values() else "another"


def _modality(modality: Modality, unit: str | None) -> Step:
    if modality.table is not None:
        return Step(name="modality", result="LUT", parameters={**_table(modality.table), "unit": unit})
    slope, intercept = float(modality.slope), float(modality.intercept)
    result = "none" if (slope, intercept) == (1, 0) else "rescale"
    return Step(name="modality", result=result, parameters={"slope": slope, "intercept": intercept, "unit": unit})


def _grays(chosen: Grays) -> Step:
    parameters: Parameters = {}
    if chosen.window is not None:
        window = chosen.window
        parameters = {"center": window.center, "width": window.width, "function": window.function}
    elif isinstance(chosen.transform, TableLevels):
        parameters = _table(chosen.transform.table)
    elif isinstance(chosen.transform, Ramp):
        parameters = {"low": chosen.transform.low, "high": chosen.transform.high}
    return Step(name="grays", result=chosen.name, parameters=parameters)


def _table(table: LookupTable) -> dict[str, object]:
    return {"entries": len(table.entries), "first": table.first, "claimed_bits": table.bits, "bits": table.depth}


def _presentation(ds: Dataset) -> Step:
    is_inverse = text(ds, "PresentationLUTShape") == "INVERSE"
    result = "low values are bright" if is_low_bright(ds) else "low values are dark"
    return Step(name="presentation", result=result, parameters={"is_presentation_lut_inverse": is_inverse})
