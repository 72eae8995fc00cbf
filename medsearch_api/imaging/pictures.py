"""Frames as PNG or JPEG: how they can be asked for, and how a worker renders them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset

from medsearch_api.imaging.decoding import ObjectSize, read_displayable
from medsearch_core.dicom.geometry import pixel_aspect
from medsearch_core.dicom.grayscale import Window
from medsearch_core.dicom.pixels import render_frame
from medsearch_core.dicom.resampling import picture_size
from medsearch_core.dicom.thumbnails import encode_png
from medsearch_core.dicom.version import PIXEL_VERSION
from medsearch_core.errors import TooManyPixels
from medsearch_core.keys import digest_of

if TYPE_CHECKING:
    from medsearch_api.backends.tables import ImageSource

PNG, JPEG = "image/png", "image/jpeg"
JPEG_QUALITY = 92
FIXED_BYTES = 48 * 2**20
"""Modules, tables and buffers that a worker does not share with the others."""
BYTES_PER_PIXEL, BYTES_PER_PIXEL_SHOWN = 6, 20
"""Of the frame, which may be compressed; and of the picture, in floats, with copies."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """How to render a frame.

    Args:
        window: window to use instead of the object's own.
        is_inverted: whether to invert the grayscale.
        longest_side: maximum length of the longer side in pixels; None for full resolution.
        media_type: `PNG` or `JPEG`.
        has_overlays: whether to draw the overlay planes over the frame.
    """

    window: Window | None = None
    is_inverted: bool = False
    longest_side: int | None = None
    media_type: str = PNG
    has_overlays: bool = False

    def etag(self, source: ImageSource) -> str:
        """Return the rendering's entity tag, computed from its inputs: the object's digest and all parameters."""
        settings = f"{self.window} {self.is_inverted} {self.longest_side} {self.media_type} {self.has_overlays}"
        return f'"{digest_of("frame", PIXEL_VERSION, source.sha256, str(source.frame), settings)}"'


@dataclass(frozen=True, slots=True)
class PictureTask:
    """A frame (1-based) to render, with the limit of pixels of frame and picture."""

    frame: int
    rendering: Rendering
    max_pixels: int

    def needed_bytes(self, size: ObjectSize) -> int:
        """As `Task`."""
        return FIXED_BYTES + shown_bytes(size, self.rendering.longest_side)

    def answer(self, file: BinaryIO) -> bytes:
        """As `Task`: the encoded picture."""
        ds, how = read_displayable(file, self.max_pixels), self.rendering
        check_picture(ds, self.frame, how.longest_side, self.max_pixels)
        picture = render_frame(
            ds, self.frame, how.longest_side, how.window, is_inverted=how.is_inverted, has_overlays=how.has_overlays
        )
        return encode_png(picture) if how.media_type == PNG else _encode_jpeg(picture)


def shown_bytes(size: ObjectSize, longest_side: int | None) -> int:
    """Memory that a frame and its picture usually take. The object is in memory twice while it is parsed."""
    decoded = BYTES_PER_PIXEL * size.pixels if size.bytes < 2 * size.pixels else 0
    return max(2 * size.bytes, size.bytes + decoded + BYTES_PER_PIXEL_SHOWN * shown_pixels(size, longest_side))


def shown_pixels(size: ObjectSize, longest_side: int | None) -> int:
    """Pixels of the picture, at most."""
    return min(size.pixels, longest_side**2) if longest_side else size.pixels


def check_picture(ds: Dataset, frame: int, longest_side: int | None, max_pixels: int) -> None:
    """Check a picture's size, which may be more than its frame's if pixels are not square.

    Raises:
        TooManyPixels: it has more than `max_pixels`.
    """
    rows, columns = picture_size(ds.Rows, ds.Columns, pixel_aspect(ds, frame), longest_side)
    if rows * columns > max_pixels:
        raise TooManyPixels(f"the picture has more than {max_pixels} pixels")


def _encode_jpeg(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()
