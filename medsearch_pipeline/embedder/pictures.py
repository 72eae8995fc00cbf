"""From an uploaded file to the model's input image: the thumbnail that ingestion would make of it.

A worker process decodes it, as in ingestion. A file that crashes or hangs the decoder, or exhausts memory, costs only that
process and is rejected.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from medsearch_core.dicom.attributes import integer
from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.decoding import check_pixels
from medsearch_core.dicom.file_format import PREAMBLE_BYTES, PREFIX
from medsearch_core.dicom.frames.layout import frame_count
from medsearch_core.dicom.thumbnails import decode_picture, picture_thumbnail, thumbnail
from medsearch_core.errors import BadInput
from medsearch_core.workers.limits import ItemFailure
from medsearch_core.workers.pool import Workers
from medsearch_pipeline.embedder.errors import ErrorResponse, error_response

SIGNATURES: dict[Literal["PNG", "JPEG"], bytes] = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff"}
UNRECOGNISED = "not_an_image"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The image of a file that is embedded.

    Args:
        format: DICOM, PNG or JPEG.
        frame: 1-based.
        rows: of the original, like `columns`.
        pixels: uint8 `[rows, columns]` or `[rows, columns, 3]`, at most a thumbnail's side.
    """

    format: str
    frame: int
    frames: int
    rows: int
    columns: int
    pixels: np.ndarray


@dataclass(frozen=True)
class PictureReader:
    """Reads files with a worker process.

    Args:
        longest_side: of the input image, in pixels.
        max_pixels: the largest frame or image that is decoded.
    """

    workers: Workers
    longest_side: int
    max_pixels: int

    def read(self, data: bytes) -> Picture | ErrorResponse:
        """The input image of a file, or why there is none."""
        decode = partial(pictures_of, longest_side=self.longest_side, max_pixels=self.max_pixels)
        ((_, found),) = self.workers.map(decode, [data], 1, 1)
        if isinstance(found, ItemFailure):
            blamed = ErrorResponse(400, "undecodable_pixel_data", found.detail)
            return blamed if found.is_items_fault else ErrorResponse(503, "interrupted", found.detail)
        return found


def pictures_of(files: Sequence[bytes], *, longest_side: int, max_pixels: int) -> Iterator[Picture | ErrorResponse]:
    """The input image of each file, or why there is none. Runs in a worker process."""
    for data in files:
        try:
            yield picture_of(data, longest_side, max_pixels)
        except BadInput as fault:
            yield error_response(fault)


def picture_of(data: bytes, longest_side: int, max_pixels: int) -> Picture:
    """The input image of a file, whose format is detected by content. Of several frames the middle one is used.

    Raises:
        BadInput: the reasons of a rejection; `not_an_image` for a file that is not DICOM, PNG or JPEG.
        TooManyPixels: a frame or image has more than `max_pixels`.
    """
    kind = next((name for name, signature in SIGNATURES.items() if data.startswith(signature)), None)
    if (
        kind is None or data[PREAMBLE_BYTES : PREAMBLE_BYTES + len(PREFIX)] == PREFIX
    ):  # a DICOM preamble may look like another format
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
    held = check_pixels(dataset, max_pixels=max_pixels)
    frames, frame = frame_count(dataset), held // 2 + 1
    return Picture(
        format="DICOM",
        frame=frame,
        frames=frames,
        rows=integer(dataset, "Rows") or 0,
        columns=integer(dataset, "Columns") or 0,
        pixels=thumbnail(dataset, frame, longest_side),
    )
