"""Thumbnails and their PNG files. How a frame is shown is decided in `pixels`."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset

from medsearch_core.dicom.layout import MAX_PIXELS
from medsearch_core.dicom.pixels import render_frame
from medsearch_core.dicom.quiet import FAULTS
from medsearch_core.errors import BadInput

LONGEST_SIDE = 512
COMPRESS_LEVEL = 6


def thumbnail(ds: Dataset, frame: int, longest_side: int = LONGEST_SIDE) -> np.ndarray:
    """The picture of a frame, at most `longest_side` pixels on its longer side.

    A smaller frame is not enlarged: that adds bytes and no detail, and a page can scale it.

    Returns:
        uint8 `[rows, columns]` or `[rows, columns, 3]`.

    Raises:
        BadInput, IndexError: as `render_frame`.
    """
    return render_frame(ds, frame, longest_side)


def encode_png(picture: np.ndarray, compress_level: int = COMPRESS_LEVEL) -> bytes:
    """A picture as a PNG: lossless, the same bytes for the same picture, nothing in it but the pixels.

    Args:
        picture: uint8 `[rows, columns]` or `[rows, columns, 3]`.
        compress_level: zlib's, 0 to 9.
    """
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "PNG", compress_level=compress_level)
    return buffer.getvalue()


def decode_png(data: bytes) -> np.ndarray:
    """The picture in a PNG, anyone's: gray stays gray, 16 bits keep their high byte, alpha is dropped.

    Returns:
        uint8 `[rows, columns]` or `[rows, columns, 3]`.

    Raises:
        BadInput: `undecodable_pixel_data`, it is no PNG or a damaged one; `unsupported_pixel_format`, it is too large.
    """
    fault = ""
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            if image.width * image.height <= MAX_PIXELS:
                return _eight_bit(image)
    except (*FAULTS, Image.DecompressionBombError) as error:
        fault = type(error).__name__
    if not fault or fault == Image.DecompressionBombError.__name__:
        raise BadInput("unsupported_pixel_format", "the PNG has too many pixels")
    raise BadInput("undecodable_pixel_data", f"the PNG cannot be decoded ({fault})")


def _eight_bit(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I"):
        return (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)
    has_color = image.mode not in ("1", "L", "LA")
    return np.asarray(image.convert("RGB" if has_color else "L"))
