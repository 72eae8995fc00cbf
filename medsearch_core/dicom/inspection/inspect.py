"""Inspects the pixels of an object: decodes and draws each frame once, as for its thumbnail, and says how."""

from __future__ import annotations

from dataclasses import replace

from pydicom.dataset import Dataset

from medsearch_core.dicom.codestreams.detection import read_header
from medsearch_core.dicom.decoding import check_pixels, find_pixels
from medsearch_core.dicom.frames.layout import MAX_PIXELS
from medsearch_core.dicom.frames.pixel_data import PixelData
from medsearch_core.dicom.grayscale import modality_transform
from medsearch_core.dicom.inspection.disagreements import decoding_disagreements, gray_disagreements, sample_disagreements
from medsearch_core.dicom.inspection.layers import layer_disagreements, overlay_disagreements
from medsearch_core.dicom.inspection.packing import describe_packing, packing_disagreements
from medsearch_core.dicom.inspection.place import object_steps, place_disagreements
from medsearch_core.dicom.inspection.record import Disagreement, FrameInspection, PixelInspection
from medsearch_core.dicom.inspection.steps import frame_steps
from medsearch_core.dicom.overlays import with_overlays
from medsearch_core.dicom.pixels import draw, frame_to_draw
from medsearch_core.dicom.thumbnails import LONGEST_SIDE, encode_png
from medsearch_core.errors import BadInput


def inspect_pixels(
    ds: Dataset, longest_side: int = LONGEST_SIDE, max_pixels: int = MAX_PIXELS, *, has_overlays: bool = False
) -> PixelInspection:
    """What becomes of an object's pixels.

    Args:
        ds: read with its pixels.
        longest_side: of a thumbnail, in pixels.
        max_pixels: the largest frame that is decoded.
        has_overlays: whether overlays are drawn, which they are not in thumbnails.

    Raises:
        BadInput: as `check_pixels`. A frame that cannot be shown has its reason in its inspection.
    """
    found = check_pixels(ds, max_pixels=max_pixels)
    pixels = find_pixels(ds)
    return PixelInspection(
        claimed=pixels.layout.frames,
        found=found,
        steps=(*describe_packing(ds, pixels), *object_steps(ds)),
        disagreements=(*packing_disagreements(ds, pixels), *place_disagreements(ds)),
        frames=tuple(
            _inspect_frame(ds, pixels, frame, longest_side, has_overlays=has_overlays) for frame in range(1, found + 1)
        ),
    )


def _inspect_frame(ds: Dataset, pixels: PixelData, frame: int, longest_side: int, *, has_overlays: bool) -> FrameInspection:
    try:
        stored = frame_to_draw(ds, frame, longest_side, is_small=True)
        drawn = draw(ds, frame, stored, longest_side)
    except BadInput as fault:
        return FrameInspection(frame=frame, reason=fault.reason, fault=fault.detail)
    header = read_header(pixels.compressed(frame)) if pixels.division is not None else None
    disagreements: list[Disagreement] = [
        *decoding_disagreements(ds, pixels.layout, header, stored),
        *sample_disagreements(pixels.layout, stored),
    ]
    if drawn.chosen is not None:
        modality = modality_transform(ds, frame)
        disagreements += gray_disagreements(ds, frame, stored, modality, drawn.chosen)
        disagreements += layer_disagreements(ds, frame, stored, modality)
    disagreements += overlay_disagreements(ds, frame)
    return FrameInspection(
        frame=frame,
        steps=tuple(frame_steps(ds, pixels, frame, header, stored, drawn, has_overlays=has_overlays)),
        disagreements=tuple(replace(each, frame=frame) for each in disagreements),
        png=encode_png(with_overlays(ds, frame, drawn.pixels) if has_overlays else drawn.pixels),
    )
