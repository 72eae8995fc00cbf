"""What a worker process does for a request: it reads an object from a file in memory, and answers with bytes.

Belongs here: the order of the steps. Each kind of answer has a module of its own. These modules import nothing of the service
that decoding does not need, because every worker has them in memory.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import imagecodecs
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import get_decoder
from pydicom.uid import (
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.decoding import check_pixels
from medsearch_core.dicom.pixels import render_frame
from medsearch_core.dicom.thumbnails import decode_picture, encode_png
from medsearch_core.dicom.values import frame_values
from medsearch_core.workers.child import limit_memory, within
from medsearch_core.workers.limits import Limits

COMPRESSED = (JPEGBaseline8Bit, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, HTJ2KLossless, RLELossless)
CODECS = ("jpeg8_decode", "jpegls_decode", "htj2k_decode")
REHEARSED_SIDE, REHEARSED_BYTES = 128, 16 * 2**20


@dataclass(frozen=True, slots=True)
class ObjectSize:
    """What is known of an object before it is read.

    Args:
        bytes: of the object as it landed.
        pixels: of one frame.
    """

    bytes: int
    pixels: int


class Task(Protocol):
    """One kind of answer."""

    def needed_bytes(self, size: ObjectSize) -> int:
        """Memory that the answer usually takes, the object included."""

    def answer(self, file: BinaryIO) -> bytes:
        """The answer. Closes the file as soon as it is parsed, which frees its memory.

        Raises:
            BadInput, InvalidQuery: the object cannot be decoded or displayed so.
        """


def decode(task: Task, limits: Limits, descriptor: int) -> bytes:
    """The task's answer about the object in an open file, within limits. Runs in a worker process."""
    limit_memory(limits.bytes)
    with within(limits), os.fdopen(descriptor, "rb") as file:
        return task.answer(file)


def read_displayable(file: BinaryIO, max_pixels: int) -> Dataset:
    """An object whose pixel data is complete and displayable; the file is closed.

    Raises:
        BadInput: the object cannot be parsed or displayed, or a frame has too many pixels.
    """
    ds = read_dataset(file)
    file.close()
    check_pixels(ds, max_pixels=max_pixels)
    return ds


def warm() -> None:
    """Loads what the first decoding would: the codecs' libraries, the matrix product's buffers, some memory.

    The process that forks the workers does it once, and each worker again: a page that both have is copied when it is used.
    """
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.PhotometricInterpretation, ds.SamplesPerPixel, ds.PixelRepresentation = "MONOCHROME2", 1, 0
    ds.Rows, ds.Columns, ds.BitsAllocated, ds.BitsStored, ds.HighBit = REHEARSED_SIDE, REHEARSED_SIDE, 16, 16, 15
    ds.PixelData = np.zeros((REHEARSED_SIDE, REHEARSED_SIDE), "<u2").tobytes()
    decode_picture(encode_png(render_frame(ds, 1, REHEARSED_SIDE // 2)), "PNG", REHEARSED_SIDE**2)
    encode_png(render_frame(ds, 1))
    frame_values(ds, 1, REHEARSED_SIDE // 2)
    _ = b"\1" * REHEARSED_BYTES
    for syntax in COMPRESSED:
        _ = get_decoder(syntax).available_plugins
    for name in CODECS:
        getattr(imagecodecs, name)
