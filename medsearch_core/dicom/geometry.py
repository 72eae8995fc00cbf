"""The size of a pixel in the patient or on the detector, and how far it is from square."""

from __future__ import annotations

from pydicom.dataset import Dataset

from medsearch_core.dicom.attributes import functional_group, numbers

EXTREME_ASPECT = 8.0
SQUARE_WITHIN = 0.01


def pixel_spacing_mm(ds: Dataset, frame: int = 1) -> list[float] | None:
    """Row and column spacing in mm, `[between rows, between columns]` (PS3.3 10.7.1.3).

    PixelSpacing, else the frame's PixelMeasuresSequence (C.7.6.16.2.1), else ImagerPixelSpacing. None if there are not
    exactly two positive numbers.
    """
    measures = functional_group(ds, frame, "PixelMeasuresSequence")
    candidates = (
        numbers(ds, "PixelSpacing"),
        numbers(measures, "PixelSpacing") if measures is not None else None,
        numbers(ds, "ImagerPixelSpacing"),
    )
    return next((pair for pair in candidates if pair and len(pair) == 2 and min(pair) > 0), None)


def pixel_aspect(ds: Dataset, frame: int = 1) -> float:
    """Height of a pixel over its width: 1.0 if square, within a hundredth of it, unknown, or implausibly extreme.

    The spacing decides, else PixelAspectRatio, which may only be there without it (PS3.3 C.7.6.3.1.7).
    """
    pair = pixel_spacing_mm(ds, frame) or numbers(ds, "PixelAspectRatio")
    if not pair or len(pair) != 2 or min(pair) <= 0:
        return 1.0
    ratio = pair[0] / pair[1]
    believable = 1 / EXTREME_ASPECT <= ratio <= EXTREME_ASPECT
    return ratio if believable and abs(ratio - 1) > SQUARE_WITHIN else 1.0
