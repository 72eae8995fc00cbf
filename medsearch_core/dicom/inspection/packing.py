"""How an object's frames are stored: what the transfer syntax and the tables say, and what the bytes are."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset

from medsearch_core.dicom.attributes import integer, value
from medsearch_core.dicom.codestreams.packing import Items, by_table, read_items
from medsearch_core.dicom.frames.pixel_data import PixelData, start_of
from medsearch_core.dicom.inspection.record import Disagreement, Step

NATIVE, NATIVE_IN_ITEMS, ITEMS, BARE = "native", "native in items", "items", "bare codestream"


def describe_packing(ds: Dataset, pixels: PixelData) -> tuple[Step, Step]:
    """The transfer syntax, and how frames are packed."""
    layout, items, kind = pixels.layout, _items(ds, pixels), packing_of(ds, pixels)
    syntax = Step(
        name="transfer syntax",
        result=layout.transfer_syntax.name if layout.transfer_syntax.type else "unknown",
        parameters={"uid": str(layout.transfer_syntax) if layout.transfer_syntax.is_valid else None},
    )
    parameters: dict[str, object] = {
        "element": layout.keyword,
        "bytes": len(pixels.data),
        "frames": pixels.frames,
        "claimed_frames": layout.frames,
    }
    if items:
        parameters |= {"fragments": len(items.fragments), "offset_table_entries": len(items.table)}
    return syntax, Step(name="packing", result=kind, parameters=parameters)


def packing_of(ds: Dataset, pixels: PixelData) -> str:
    """One of the kinds above."""
    if _items(ds, pixels):
        return NATIVE_IN_ITEMS if pixels.division is None else ITEMS
    return NATIVE if pixels.division is None else BARE


def _items(ds: Dataset, pixels: PixelData) -> Items | None:
    """The items of pixel data that was read as such: a bare codestream is a single span from the first byte on."""
    data = value(ds, pixels.layout.keyword)
    is_in_items = pixels.data is not data if pixels.division is None else pixels.division[:1] != [[(0, len(pixels.data))]]
    return read_items(data) if is_in_items and isinstance(data, bytes) else None


def packing_disagreements(ds: Dataset, pixels: PixelData) -> Iterator[Disagreement]:
    """Where the header and the way in which frames are stored differ."""
    layout, items, kind = pixels.layout, _items(ds, pixels), packing_of(ds, pixels)
    if kind not in ((NATIVE,) if layout.is_native_syntax else (ITEMS, NATIVE_IN_ITEMS)):
        stated = NATIVE if layout.is_native_syntax else ITEMS
        yield Disagreement("packing", f"the transfer syntax says {stated}, the bytes are {kind}, as read")
    if value(ds, "NumberOfFrames") is not None and (integer(ds, "NumberOfFrames") or 0) < 1:
        yield Disagreement("number_of_frames", f"NumberOfFrames is no positive number; by the bytes it is {layout.frames}")
    if pixels.division is None and (excess := len(pixels.data) - layout.native_bytes) > 1:
        yield Disagreement("excess_bytes", f"{excess} bytes more than the frames need are not read")
    if items and pixels.division is not None:
        begins = start_of(layout)
        begun = max(len(pixels.division), sum(begins(pixels.data, begin) for begin, _ in items.fragments))
        if begun > layout.frames:
            yield Disagreement("number_of_frames", f"NumberOfFrames is {layout.frames} and is followed; {begun} frames begin")
        if items.table and by_table(items.fragments, items.table) != pixels.division:
            yield Disagreement("offset_table", "the offset table does not lead to the frames; it is not followed")
