"""Where a frame lies in the patient, the size of its pixels there or on the detector, and how far they are from square."""

from __future__ import annotations

from operator import mul

from pydicom.dataset import Dataset

from medsearch_core.dicom.attributes import functional_group, numbers

EXTREME_ASPECT = 8.0
SQUARE_WITHIN = 0.01
UNIT_WITHIN = 0.01


def pixel_spacing_mm(ds: Dataset, frame: int = 1) -> list[float] | None:
    """Row and column spacing in mm, `[between rows, between columns]` (PS3.3 10.7.1.3).

    PixelSpacing of the frame's PixelMeasuresSequence (C.7.6.16.2.1), else of the object, else ImagerPixelSpacing. None if
    there are not exactly two positive numbers.
    """
    candidates = (
        _of_frame(ds, frame, "PixelMeasuresSequence", "PixelSpacing"),
        numbers(ds, "PixelSpacing"),
        numbers(ds, "ImagerPixelSpacing"),
    )
    return next((pair for pair in candidates if pair and len(pair) == 2 and min(pair) > 0), None)


def image_position_mm(ds: Dataset, frame: int = 1) -> list[float] | None:
    """ImagePositionPatient (C.7.6.2.1.1) of a frame's PlanePositionSequence (C.7.6.16.2.3), else of the object.

    None if it is not three numbers.
    """
    place = _of_frame(ds, frame, "PlanePositionSequence", "ImagePositionPatient") or numbers(ds, "ImagePositionPatient")
    return place if place and len(place) == 3 else None


def image_orientation(ds: Dataset, frame: int = 1) -> list[float] | None:
    """ImageOrientationPatient (C.7.6.2.1.1) of a frame's PlaneOrientationSequence (C.7.6.16.2.4), else of the object.

    None if it is not two unit vectors at right angles, within `UNIT_WITHIN`.
    """
    found = _of_frame(ds, frame, "PlaneOrientationSequence", "ImageOrientationPatient")
    cosines = found or numbers(ds, "ImageOrientationPatient")
    if not cosines or len(cosines) != 6:
        return None
    row, column = cosines[:3], cosines[3:]
    products = (sum(a * a for a in row) - 1, sum(a * a for a in column) - 1, sum(map(mul, row, column)))
    return cosines if all(abs(product) <= UNIT_WITHIN for product in products) else None


def _of_frame(ds: Dataset, frame: int, macro: str, keyword: str) -> list[float] | None:
    group = functional_group(ds, frame, macro)
    return numbers(group, keyword) if group is not None else None


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
