"""What a frame of an enhanced object is, by the frame type macro of its kind: FrameType and PixelPresentation."""

from __future__ import annotations

from pydicom.dataset import Dataset

from medsearch_core.dicom.attributes import functional_groups, item, text

FRAME_TYPE_MACROS = (
    "CTImageFrameTypeSequence",
    "MRImageFrameTypeSequence",
    "MRSpectroscopyFrameTypeSequence",
    "PETFrameTypeSequence",
    "XRay3DFrameTypeSequence",
    "XAXRFFrameCharacteristicsSequence",
    "USImageDescriptionSequence",
    "IntravascularOCTFrameTypeSequence",
    "ParametricMapFrameTypeSequence",
    "WholeSlideMicroscopyImageFrameTypeSequence",
    "ConfocalMicroscopyImageFrameTypeSequence",
    "PhotoacousticImageFrameTypeSequence",
)
"""The functional group macros that have a FrameType (0008,9007)."""


def frame_type(ds: Dataset, frame: int) -> str | None:
    """FrameType of a frame (1-based)."""
    return _of_macro(ds, frame, "FrameType")


def pixel_presentation(ds: Dataset, frame: int) -> str | None:
    """PixelPresentation (0008,9205) of a frame (1-based), else of the object."""
    return _of_macro(ds, frame, "PixelPresentation") or text(ds, "PixelPresentation")


def _of_macro(ds: Dataset, frame: int, keyword: str) -> str | None:
    for groups in functional_groups(ds, frame):
        for macro in FRAME_TYPE_MACROS:
            if (of_kind := item(groups, macro)) is not None and (found := text(of_kind, keyword)):
                return found
    return None
