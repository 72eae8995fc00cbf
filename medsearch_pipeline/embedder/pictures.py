"""An uploaded file to the picture that the model sees: the thumbnail that ingestion would have made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from medsearch_core.dicom.attributes import integer
from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.decoding import check_pixels
from medsearch_core.dicom.file_format import PREAMBLE_BYTES, PREFIX
from medsearch_core.dicom.layout import frame_count
from medsearch_core.dicom.thumbnails import decode_picture, picture_thumbnail, thumbnail
from medsearch_core.errors import BadInput

SIGNATURES: dict[Literal["PNG", "JPEG"], bytes] = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff"}
UNRECOGNISED = "not_an_image"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What is embedded of a file.

    Args:
        format: DICOM, PNG or JPEG.
        frame: 1-based.
        rows: of the original, as `columns`.
        pixels: uint8 `[rows, columns]` or `[rows, columns, 3]`, at most a thumbnail's side.
    """

    format: str
    frame: int
    frames: int
    rows: int
    columns: int
    pixels: np.ndarray


def picture_of(data: bytes, longest_side: int, max_pixels: int) -> Picture:
    """The picture of a file whose kind its content tells. Of several frames the middle one stands for all.

    Raises:
        BadInput: the reasons of a rejection; or `not_an_image`, it is neither DICOM, PNG nor JPEG.
        TooManyPixels: a frame or picture has more than `max_pixels`.
    """
    kind = next((name for name, signature in SIGNATURES.items() if data.startswith(signature)), None)
    if kind is None or data[PREAMBLE_BYTES : PREAMBLE_BYTES + len(PREFIX)] == PREFIX:  # a preamble may be another file's head
        return _of_dicom(data, longest_side, max_pixels)
    whole = decode_picture(data, kind, max_pixels)
    rows, columns = whole.shape[:2]
    pixels = picture_thumbnail(whole, longest_side)
    return Picture(format=kind, frame=1, frames=1, rows=rows, columns=columns, pixels=pixels)


def _of_dicom(data: bytes, longest_side: int, max_pixels: int) -> Picture:
    try:
        dataset = read_dataset(data)
    except BadInput as fault:
        if fault.reason != "not_dicom":
            raise
        raise BadInput(UNRECOGNISED, "the file is neither DICOM, PNG nor JPEG") from None
    check_pixels(dataset, max_pixels=max_pixels)
    frames = frame_count(dataset)
    frame = frames // 2 + 1
    return Picture(
        format="DICOM",
        frame=frame,
        frames=frames,
        rows=integer(dataset, "Rows") or 0,
        columns=integer(dataset, "Columns") or 0,
        pixels=thumbnail(dataset, frame, longest_side),
    )
