"""Encoding of DICOM JSON (PS3.18 F), and conversion of data sets to DICOM JSON without bulk data."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, BinaryIO

from pydicom.dataset import Dataset
from pydicom.valuerep import VR

from medsearch_api.imaging.decoding import ObjectSize
from medsearch_api.imaging.pictures import FIXED_BYTES
from medsearch_core.dicom.dataset import PIXEL_TAGS, read_dataset

INLINE_BYTES = 1024
_BULK = frozenset({VR.OB, VR.OD, VR.OF, VR.OL, VR.OV, VR.OW, VR.UN, VR.OB_OW})


def encode_json(value: Any) -> bytes:
    """Encode a value as UTF-8 JSON. Non-finite numbers become the strings NaN, Infinity and -Infinity (F.2.4)."""
    try:
        return json.dumps(value, allow_nan=False, ensure_ascii=True, separators=(",", ":")).encode()
    except ValueError:
        return json.dumps(_finite(value), allow_nan=False, ensure_ascii=True, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class HeaderTask:
    """An object whose header is wanted."""

    def needed_bytes(self, size: ObjectSize) -> int:
        """As `Task`."""
        return FIXED_BYTES + 2 * size.bytes

    def answer(self, file: BinaryIO) -> bytes:
        """As `Task`: the data set up to its pixel data as DICOM JSON, without binary values larger than `INLINE_BYTES`."""
        ds = read_dataset(file, stop_before_pixels=True)
        _remove_bulk(ds)
        header = ds.to_json_dict(suppress_invalid_tags=True)
        header["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
        return encode_json(dict(sorted(header.items())))


def _remove_bulk(ds: Dataset) -> None:
    for tag in list(ds.keys()):
        try:
            element = ds[tag]
        except Exception:  # noqa: BLE001 - converters raise anything on invalid values; such elements are left out
            del ds[tag]
            continue
        if element.VR == VR.SQ:
            for item in element.value or ():
                _remove_bulk(item)
        elif tag in PIXEL_TAGS or (element.VR in _BULK and len(element.value or b"") > INLINE_BYTES):
            del ds[tag]


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    return value
