"""Pictures in files that are not DICOM, built in code, and files that are no pictures."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

PDF = b"%PDF-1.7\n1 0 obj <</Type /Catalog>> endobj\ntrailer <</Root 1 0 R>>\n%%EOF\n"
TEXT = b"FINDINGS: Moderate left pleural effusion."


def png(picture: np.ndarray) -> bytes:
    """A picture as PNG; uint16 as one of 16 bits."""
    return _saved(Image.fromarray(picture), "PNG")


def jpeg(picture: np.ndarray, mode: str | None = None, orientation: int = 1) -> bytes:
    """A picture as JPEG, in a mode of Pillow's, with an Exif Orientation."""
    image = Image.fromarray(picture)
    exif = Image.Exif()
    exif[0x0112] = orientation
    return _saved(image.convert(mode) if mode else image, "JPEG", quality=95, subsampling=0, exif=exif)


def png_bomb(side: int) -> bytes:
    """A PNG of side × side black pixels that is small as a file. No pixel of it is ever in memory here."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    deflate = zlib.compressobj(9)
    rows = b"".join(deflate.compress(bytes(side + 1)) for _ in range(side)) + deflate.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
