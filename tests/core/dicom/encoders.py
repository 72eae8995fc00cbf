"""Codestreams of any image, and files of them, for kinds of objects that no library writes by itself."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from medsearch_core.dicom.dataset import read_dataset
from tests.support.factories import dataset, dicom_bytes

SHAPE = 6144
"""An image whose every value matters: a ramp over all of 12 bits."""
RAMP = (np.arange(SHAPE).reshape(64, 96) * 4095 // (SHAPE - 1)).astype(np.uint16)


def run_lengths(pixels: np.ndarray) -> bytes:
    ds = dataset(pixels)
    ds.compress(RLELossless, generate_instance_uid=False)
    return get_frame(ds.PixelData, 0, number_of_frames=1)


def lossless_jpeg(pixels: np.ndarray) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(pixels, lossless=True, bitspersample=8 * pixels.dtype.itemsize))


def jpeg(pixels: np.ndarray, mode: str | None = None, *, has_app: bool = True, **options: Any) -> bytes:
    """A JPEG of 8 bits; without its application segments on request."""
    buffer = io.BytesIO()
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(buffer, "JPEG", quality=95, **options)
    data = buffer.getvalue()
    while not has_app and data[2] == 0xFF and data[3] in (0xE0, 0xEE):
        data = data[:2] + data[4 + int.from_bytes(data[4:6], "big") :]
    return data


LOSSLESS: dict[str, Callable[[np.ndarray], bytes]] = {
    RLELossless: run_lengths,
    JPEGLosslessSV1: lossless_jpeg,
    JPEGLSLossless: lambda pixels: bytes(imagecodecs.jpegls_encode(pixels)),
    JPEG2000Lossless: lambda pixels: bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", reversible=True)),
    HTJ2KLossless: lambda pixels: bytes(imagecodecs.htj2k_encode(pixels)),
}
"""Transfer syntax → an encoder that keeps every bit of 16."""


def stored(pixels: np.ndarray, syntax: str, codestreams: list[bytes], value: bytes | None = None, **more: Any) -> Dataset:
    """An object that claims to show these pixels, read from its file.

    Args:
        value: the pixel data instead of the codestreams in items.
    """
    uid = UID(syntax)
    written = uid if uid.is_transfer_syntax else ExplicitVRLittleEndian
    ds = dataset(pixels, transfer_syntax=written, codestreams=codestreams, **more)
    data, usual = dicom_bytes(ds), encapsulate(codestreams)
    assert usual in data
    read = read_dataset(data if value is None else data.replace(usual, value))
    read.file_meta.TransferSyntaxUID = uid
    return read


def items(*fragments: bytes, table: bytes = b"") -> bytes:
    """An offset table and fragments as items, padded to an even length."""
    padded = [part + b"\0" * (len(part) % 2) for part in (table, *fragments)]
    return b"".join(b"\xfe\xff\x00\xe0" + len(part).to_bytes(4, "little") + part for part in padded)
