"""Palettes that take a decoder long: their segments call each other (PS3.3 C.7.9.2)."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from tests.support.factories import dataset

CHANNELS = ("Red", "Green", "Blue")


def endless_palette(bytes: int) -> Dataset:
    """A small picture whose palette has so many bytes: half are empty segments, half indirect ones that each call them all."""
    each = bytes // len(CHANNELS)
    empty = each // 8
    indirect = struct.pack("<HHHH", 2, min(empty, 65535), 0, 0) * (each // 16)
    segments = struct.pack("<HH", 0, 0) * empty + indirect + struct.pack("<HHH", 0, 1, 1)
    attributes: dict[str, Any] = {}
    for channel in CHANNELS:
        attributes[f"{channel}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        attributes[f"Segmented{channel}PaletteColorLookupTableData"] = segments
    return dataset(np.zeros((64, 64), np.uint8), PhotometricInterpretation="PALETTE COLOR", **attributes)
