"""Thumbnails of frames and of image files, and their PNGs. How a frame is shown is decided in `pixels`."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
from PIL import Image, ImageOps
from pydicom.dataset import Dataset

from medsearch_core.dicom.frames.layout import MAX_PIXELS
from medsearch_core.dicom.pixels import Drawn, draw, frame_to_draw
from medsearch_core.dicom.quiet import FAULTS
from medsearch_core.dicom.resampling import picture_size, resampled
from medsearch_core.errors import BadInput, TooManyPixels

LONGEST_SIDE = 512


def thumbnail(ds: Dataset, frame: int, longest_side: int = LONGEST_SIDE) -> np.ndarray:
    """A frame as an image of at most `longest_side` pixels on its longer side.

    A smaller frame is not enlarged: that adds bytes and no detail, and a page can scale it.

    Returns:
        uint8 `[rows, columns]` or `[rows, columns, 3]`.

    Raises:
        BadInput, IndexError: as `render_frame`.
    """
    return drawn_thumbnail(ds, frame, longest_side).pixels


def drawn_thumbnail(ds: Dataset, frame: int, longest_side: int = LONGEST_SIDE) -> Drawn:
    """As `thumbnail`, with how its grays were chosen."""
    return draw(ds, frame, frame_to_draw(ds, frame, longest_side, is_small=True), longest_side)


def encode_png(picture: np.ndarray) -> bytes:
    """An image as a PNG: lossless, deterministic, pixels only.

    It uses one filter (differences to the row above), run lengths and Huffman codes: a radiograph's noise has no repeated
    strings. Trying every filter on every row makes it 10 % smaller, and takes three times as long to write and twice as long
    to read; searching for strings, as zlib does by default, takes another eight times.

    Args:
        picture: uint8 `[rows, columns]` or `[rows, columns, 3]`.
    """
    from imagecodecs import PNG, png_encode  # imported here: only writers depend on it

    pixels = np.ascontiguousarray(picture)
    return bytes(png_encode(pixels, level=PNG.COMPRESSION.SPEED, strategy=PNG.STRATEGY.RLE, filter=PNG.FILTER.UP))


def decode_png(data: bytes) -> np.ndarray:
    """The image in a PNG of at most `MAX_PIXELS`, as `decode_picture` returns it."""
    return decode_picture(data, "PNG", MAX_PIXELS)


def decode_picture(data: bytes, kind: Literal["PNG", "JPEG"], max_pixels: int) -> np.ndarray:
    """The image in a PNG or JPEG from any source: gray stays gray, 16 bits keep their high byte, alpha is dropped.

    A JPEG is rotated by its Exif Orientation. Of several images in one file the first is returned.

    Returns:
        uint8 `[rows, columns]` or `[rows, columns, 3]`.

    Raises:
        BadInput: `undecodable_pixel_data`, it is not such a file, or damaged.
        TooManyPixels: it has more than `max_pixels`.
    """
    fault = ""
    try:
        with Image.open(io.BytesIO(data), formats=(kind,)) as image:
            if image.width * image.height <= max_pixels:
                return _eight_bit(ImageOps.exif_transpose(image) if kind == "JPEG" else image)
    except (*FAULTS, Image.DecompressionBombError) as error:
        fault = type(error).__name__
    if not fault or fault == Image.DecompressionBombError.__name__:
        raise TooManyPixels(f"the {kind} has too many pixels")
    raise BadInput("undecodable_pixel_data", f"the {kind} cannot be decoded ({fault})")


def picture_thumbnail(picture: np.ndarray, longest_side: int = LONGEST_SIDE) -> np.ndarray:
    """The thumbnail of an image, downsampled like a frame.

    Args:
        picture: uint8 `[rows, columns]` or `[rows, columns, 3]`.

    Returns:
        uint8 likewise, at most `longest_side` pixels on its longer side; smaller images are unchanged.
    """
    small = resampled(picture, picture_size(picture.shape[0], picture.shape[1], 1.0, longest_side))
    return small if small.dtype == np.uint8 else (small + np.float32(0.5)).astype(np.uint8)


def _eight_bit(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I"):
        return (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)
    has_color = image.mode not in ("1", "L", "LA")
    return np.asarray(image.convert("RGB" if has_color else "L"))
