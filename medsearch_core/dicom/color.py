"""Color frames to 8-bit RGB: palettes (PS3.3 C.7.6.3.1.5, C.7.6.3.1.6), luminance and chrominance (C.7.6.3.1.2), other depths.

ICC profiles are not applied.
"""

from __future__ import annotations

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset

from medsearch_core.dicom.attributes import value
from medsearch_core.dicom.lookup_tables import LookupTable, lookup_table
from medsearch_core.dicom.segmented_palette import expanded
from medsearch_core.errors import BadInput

CHANNELS = ("Red", "Green", "Blue")


def palette_colored(ds: Dataset, indices: np.ndarray) -> np.ndarray:
    """A PALETTE COLOR frame through its lookup tables, plain or segmented (C.7.9.2).

    Args:
        ds: the object.
        indices: `[rows, columns]` integers.

    Returns:
        uint8 `[rows, columns, 3]`. Entries of more than 8 bits keep their 8 highest.

    Raises:
        BadInput: `unsupported_pixel_format`, a table is absent or malformed.
    """
    return looked_up(palette(ds), indices)


def looked_up(tables: list[LookupTable], indices: np.ndarray) -> np.ndarray:
    """Integers of any shape through the tables of red, green and blue: uint8, with an axis of 3 after theirs."""
    shift = max(0, entry_bits(tables) - 8)
    eight_bit = [LookupTable(t.first, 8, (t.entries >> shift).astype(np.uint8)) for t in tables]
    return np.stack([table.apply(indices) for table in eight_bit], axis=-1)


def palette(ds: Dataset) -> list[LookupTable]:
    """The tables of red, green and blue; raises as `palette_colored`."""
    return [_channel(ds, channel) for channel in CHANNELS]


def entry_bits(tables: list[LookupTable]) -> int:
    """As claimed, unless the entries need no more than a byte, more than claimed, or so much less that all would be black."""
    claimed, needed = max(table.bits for table in tables), max(table.depth for table in tables)
    return claimed if needed > 8 and claimed - needed in range(4) else needed


def _channel(ds: Dataset, channel: str) -> LookupTable:
    signed = value(ds, "PixelRepresentation") == 1
    is_little = ds.original_encoding[1] is not False
    descriptor, data = f"{channel}PaletteColorLookupTableDescriptor", f"{channel}PaletteColorLookupTableData"
    fault = "no usable palette"
    if (table := lookup_table(ds, descriptor, data, is_little=is_little, may_be_signed=signed)) is not None:
        return table
    segments, description = value(ds, f"Segmented{data}"), value(ds, descriptor)
    try:
        count, first, bits = (int(number) for number in description)
        word = "u1" if bits <= 8 else ("<u2" if is_little else ">u2")
        usable = segments[: len(segments) // np.dtype(word).itemsize * np.dtype(word).itemsize]
        entries = expanded(np.frombuffer(usable, word), count or 2**16)
        if len(entries):
            return LookupTable(first - 2**16 if signed and first >= 2**15 else first, bits, entries)
    except (TypeError, ValueError):
        fault = "an invalid segmented palette"
    raise BadInput("unsupported_pixel_format", fault)


def eight_bit(samples: np.ndarray, bits_stored: int) -> np.ndarray:
    """Color samples of any depth as uint8: deeper samples keep their high bits, shallower ones are scaled to 0…255."""
    unsigned = samples.view(f"u{samples.dtype.itemsize}") if samples.dtype.kind == "i" else samples
    if bits_stored > 8:
        return (unsigned >> (bits_stored - 8)).astype(np.uint8)
    if bits_stored < 8:
        top = 2**bits_stored - 1
        return ((np.arange(256) * 255 + top // 2) // top).clip(0, 255).astype(np.uint8)[unsigned.astype(np.uint8)]
    return unsigned.astype(np.uint8, copy=False)


def rgb_of_ybr(frame: np.ndarray) -> np.ndarray:
    """YBR_FULL to RGB, uint8 `[rows, columns, 3]`; DICOM's equations are JFIF's (ITU-T T.871), which Pillow applies."""
    size = (frame.shape[1], frame.shape[0])
    image = Image.frombytes("YCbCr", size, np.ascontiguousarray(frame).tobytes())
    return np.asarray(image.convert("RGB"))
