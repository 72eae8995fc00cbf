"""Small thumbnails for lists: WebP of a few kilobytes, made of the stored PNG when somebody asks.

The PNG is the model's input and larger than a list needs. Belongs here: the picture. Not here: its URL.
"""

from __future__ import annotations

import io

from PIL import Image

from medsearch_core.dicom.thumbnails import decode_png

VERSION = "1"
"""Part of the entity tag; incremented whenever the encoding changes."""
MAX_BYTES = 10_000
ATTEMPTS = ((384, 75), (384, 55), (384, 35), (256, 40), (192, 40), (128, 40), (96, 20))
"""Longest side and quality: the first that has at most `MAX_BYTES` counts, or else the last."""


def encode_small(png: bytes) -> bytes:
    """Return a stored thumbnail as a small WebP.

    Raises:
        BadInput: it is no PNG.
    """
    picture = Image.fromarray(decode_png(png))
    encoded = b""
    for side, quality in ATTEMPTS:
        encoded = _encode(picture, side, quality)
        if len(encoded) <= MAX_BYTES:
            break
    return encoded


def _encode(picture: Image.Image, side: int, quality: int) -> bytes:
    small, buffer = picture.copy(), io.BytesIO()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)  # a smaller one is not enlarged
    small.save(buffer, "WEBP", quality=quality, method=4)
    return buffer.getvalue()
