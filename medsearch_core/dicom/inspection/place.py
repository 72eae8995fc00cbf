"""Where an object's frames lie, and what they show of the body: the view, the plane, the place among others, the regions."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset

from medsearch_core.dicom.attributes import integer, text
from medsearch_core.dicom.frames.frame_type import frame_type
from medsearch_core.dicom.geometry import image_orientation, image_position_mm, pixel_spacing_mm
from medsearch_core.dicom.image_record import laterality, own_values
from medsearch_core.dicom.inspection.record import Disagreement, Step
from medsearch_core.dicom.ultrasound import MAX_REGIONS, ultrasound_regions
from medsearch_core.dicom.views import VIEWS, coded_view, view_modifiers

SIDES = ("L", "R", "B", "U")
STATED_VIEWS = frozenset(
    (*VIEWS.values(), "LATERAL", "LAT", "RLD", "LLD", "RLO", "LLO", "RAO", "LAO", "RPO", "LPO", "AX", "OBL")
)
INTENTS = ("FOR PRESENTATION", "FOR PROCESSING")
FREE_TEXT = ("stack_id",)


def object_steps(ds: Dataset) -> Iterator[Step]:
    """The view and the ultrasound regions, where there are any."""
    stated, coded = text(ds, "ViewPosition"), coded_view(ds)
    modifiers, intent = view_modifiers(ds), text(ds, "PresentationIntentType")
    if stated or coded or modifiers or intent:
        view = _told(stated, STATED_VIEWS) or coded
        parameters: dict[str, object] = {
            "coded_view": coded,
            "modifiers": modifiers,
            "presentation_intent": _told(intent, INTENTS),
        }
        yield Step(name="view", result=view or "none", parameters=parameters)
    regions = ultrasound_regions(ds).usable
    if regions:
        spacings = [region.pixel_spacing_mm for region in regions]
        formats, types = [region.spatial_format for region in regions], [region.data_type for region in regions]
        of_regions = {"formats": formats, "data_types": types, "pixel_spacing_mm": spacings}
        yield Step(name="regions", result=f"{len(regions)} of ultrasound", parameters=of_regions)


def frame_step(ds: Dataset, frame: int) -> Iterator[Step]:
    """Where a frame (1-based) lies, if its object says it."""
    position, orientation = image_position_mm(ds, frame), image_orientation(ds, frame)
    own = {name: found for name, found in own_values(ds, frame).items() if name not in FREE_TEXT}
    side = laterality(ds, frame)
    if position or orientation or own or side:
        parameters = {
            "position_mm": position,
            "orientation": orientation,
            "pixel_spacing_mm": pixel_spacing_mm(ds, frame),
            **own,
            "has_frame_type": frame_type(ds, frame) is not None,
            "laterality": _told(side, SIDES),
        }
        yield Step(name="place", result="in the patient" if position and orientation else "unknown", parameters=parameters)


def place_disagreements(ds: Dataset) -> Iterator[Disagreement]:
    """Of views, and regions that cannot be used."""
    stated, coded = text(ds, "ViewPosition"), coded_view(ds)
    if stated and coded and stated.upper() != coded:
        yield Disagreement(
            "view", f"ViewPosition is {_told(stated, STATED_VIEWS)} and is followed; ViewCodeSequence says {coded}"
        )
    regions = ultrasound_regions(ds)
    if regions.unusable:
        yield Disagreement("ultrasound_region", f"{regions.unusable} ultrasound regions have no place in the image")
    if regions.clipped:
        yield Disagreement(
            "ultrasound_region", f"{regions.clipped} ultrasound regions reach beyond the image; they are clipped"
        )
    if regions.beyond:
        yield Disagreement(
            "ultrasound_region", f"{regions.beyond} ultrasound regions after the first {MAX_REGIONS} are not read"
        )
    if (integer(ds, "NumberOfFrames") or 1) > 1 and "PerFrameFunctionalGroupsSequence" in ds:
        held = len(ds.PerFrameFunctionalGroupsSequence or ())
        if held != integer(ds, "NumberOfFrames"):
            yield Disagreement(
                "functional_groups", f"there are functional groups for {held} frames of {integer(ds, 'NumberOfFrames')}"
            )


def _told(found: str | None, known: tuple[str, ...] | frozenset[str]) -> str | None:
    """A value, unless it is none of the known ones: free text may hold anything."""
    return found if found is None or found.upper() in known else "another"
