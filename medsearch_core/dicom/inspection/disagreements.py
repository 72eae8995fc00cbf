"""Where a frame's header and its bytes differ: each rule of decision 27, asked whether it had to decide."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from medsearch_core.dicom.attributes import item, number, numbers, text, value
from medsearch_core.dicom.codestreams.header import Format, Header
from medsearch_core.dicom.frames.compressed import DEFLATED_FRAMES
from medsearch_core.dicom.frames.layout import NATIVE, Layout
from medsearch_core.dicom.frames.stored import DEFLATED, RUN_LENGTHS, UNCOMPRESSED, StoredFrame
from medsearch_core.dicom.grayscale import Grays, own_grays, voi_lut, voi_source, windows
from medsearch_core.dicom.inspection.record import Disagreement
from medsearch_core.dicom.lookup_tables import MAX_ENTRIES, LookupTable
from medsearch_core.dicom.padding import PADDING, padding
from medsearch_core.dicom.transforms import Modality

CODECS: dict[UID, str] = {
    **dict.fromkeys(NATIVE, UNCOMPRESSED),
    **dict.fromkeys((JPEGBaseline8Bit, JPEGExtended12Bit), Format.JPEG),
    **dict.fromkeys((JPEGLossless, JPEGLosslessSV1), Format.LOSSLESS_JPEG),
    **dict.fromkeys((JPEGLSLossless, JPEGLSNearLossless), Format.JPEG_LS),
    **dict.fromkeys((JPEG2000Lossless, JPEG2000), Format.JPEG_2000),
    **dict.fromkeys((HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K), Format.HTJ2K),
    **{UID(f"1.2.840.10008.1.2.4.{number}"): Format.JPEG_XL for number in (110, 111, 112)},
    RLELossless: RUN_LENGTHS,
    DEFLATED_FRAMES: DEFLATED,
}
"""Transfer syntax → what it says frames are decoded from."""
DECODED_COLORS = {"YBR_ICT": "RGB", "YBR_RCT": "RGB", "YBR_FULL_422": "YBR_FULL"}
"""What decoding is to make of these photometric interpretations; the others stay as they are."""


def decoding_disagreements(ds: Dataset, layout: Layout, header: Header | None, stored: StoredFrame) -> Iterator[Disagreement]:
    """Of codec, sign, components and colors."""
    syntax = layout.transfer_syntax
    if CODECS.get(syntax) != stored.codec:
        stated = CODECS.get(syntax, "none that is known")
        yield Disagreement("transfer_syntax", f"the transfer syntax says {stated}, the bytes are {stored.codec}, as decoded")
    if header is not None and header.components not in (0, layout.samples):
        stated = f"{layout.samples} samples a pixel, the codestream has {header.components}"
        yield Disagreement("samples_per_pixel", f"the header says {stated}, which are decoded")
    if header is not None and header.format in (Format.JPEG_2000, Format.HTJ2K) and header.is_signed != layout.is_signed:
        codestream, object_ = ("signed", "unsigned") if header.is_signed else ("unsigned", "signed")
        yield Disagreement("sign", f"the codestream is {codestream}; PixelRepresentation says {object_} and is followed")
    said = (text(ds, "PhotometricInterpretation") or "").upper()
    if said != layout.photometric or DECODED_COLORS.get(said, said) != stored.photometric:
        yield Disagreement("colors", f"PhotometricInterpretation says {said}, the bytes {stored.photometric}, as shown")


def sample_disagreements(layout: Layout, stored: StoredFrame) -> Iterator[Disagreement]:
    """Of the bits of a sample."""
    place = stored.place
    if place is None or stored.samples.dtype.kind == "f":
        return
    if place.held > layout.bits_allocated:
        stated = f"BitsAllocated is {layout.bits_allocated}, the codestream has {place.held} bits"
        yield Disagreement("bits_allocated", f"{stated}, which are all used")
    elif place.width != layout.bits_stored:
        yield Disagreement("bits_stored", f"BitsStored is {layout.bits_stored}; {place.width} bits are used")
    elif layout.high_bit is not None and place.lowest + place.width - 1 != layout.high_bit:
        used = place.lowest + place.width - 1
        yield Disagreement("high_bit", f"HighBit is {layout.high_bit}; the highest bit that is used is {used}")
    if stored.is_cut_out and not place.is_signed and not place.lowest:
        yield Disagreement("other_bits", "bits above the samples are set; they are cleared")


def gray_disagreements(
    ds: Dataset, frame: int, stored: StoredFrame, modality: Modality, chosen: Grays
) -> Iterator[Disagreement]:
    """Of padding, tables and windows."""
    stated = next((found for keyword, _ in PADDING if (found := number(ds, keyword)) is not None), None)
    held = padding(ds, stored)
    if stated is not None and held is not None and stated not in held:
        yield Disagreement("padding_value", f"the padding value {stated:g} is no value of a sample; it is read as {held[0]:g}")
    source, usable = voi_source(ds, frame), voi_lut(ds, frame)
    for name, holder, keyword, table in (
        ("modality LUT", ds, "ModalityLUTSequence", modality.table),
        ("VOI LUT", source, "VOILUTSequence", usable.table if usable else None),
    ):
        if value(holder, keyword):
            yield from _table_disagreements(name, item(holder, keyword), table)
    if usable and usable.table.depth != usable.table.bits:
        claimed, needed = usable.table.bits, usable.table.depth
        entries = f"the VOI LUT claims entries of {claimed} bits, the highest has {needed}"
        yield Disagreement("voi_lut_bits", f"{entries}, whose maximum is shown as white")
    for place, window in enumerate(windows(ds, frame), 1):
        if window is None:
            yield Disagreement("window_width", f"window {place} has no valid width and is passed over")
    for grays in own_grays(ds, frame):
        if grays.name == chosen.name:
            return
        yield Disagreement("grays", f"in {grays.name} the whole frame is one gray; it is passed over")


def _table_disagreements(name: str, holder: Dataset | None, table: LookupTable | None) -> Iterator[Disagreement]:
    if table is None:
        yield Disagreement("lut_unusable", f"the {name} cannot be used")
        return
    claimed = int((numbers(holder or Dataset(), "LUTDescriptor") or [0])[0]) % MAX_ENTRIES or MAX_ENTRIES
    if len(table.entries) < claimed:
        yield Disagreement("lut_entries", f"the {name} claims {claimed} entries and has {len(table.entries)}")
