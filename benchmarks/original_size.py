"""Original-size radiographs, 3056 × 2544, 12 bits, like MIMIC-CXR's, in a landing folder with MIMIC-CXR's layout.

Drawn by the demo, enlarged, with noise in every pixel, so that they are as hard to compress as a detector's images.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedObject
from medsearch_core.storage.object_store import ObjectStore
from medsearch_pipeline.demo.cases import physique, stream
from medsearch_pipeline.demo.radiographs import draw
from medsearch_pipeline.intake.placement import place_by_key
from medsearch_pipeline.settings.layout import MIMIC_CXR
from tests.support.factories import dataset, dicom_bytes
from tests.support.landing import folder_of

ROWS, COLUMNS, LARGEST = 3056, 2544, 4095
NOISE = 12
ENCODERS = {
    JPEGLosslessSV1: lambda pixels: imagecodecs.jpeg8_encode(pixels, lossless=True, bitspersample=12, predictor=1),
    JPEGLSLossless: imagecodecs.jpegls_encode,
    HTJ2KLossless: lambda pixels: imagecodecs.htj2k_encode(pixels, reversible=True),
}
SYNTAXES = (ExplicitVRLittleEndian, RLELossless, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, HTJ2KLossless)


def radiograph(number: int) -> np.ndarray:
    """uint16 `[3056, 2544]`, one for each number."""
    drawn = draw(physique(stream(7, number)), [], "PA", 7, number).pixels.astype(np.float32)
    large = np.asarray(Image.fromarray(drawn).resize((COLUMNS, ROWS), Image.Resampling.BICUBIC))
    noise = np.random.default_rng(number).normal(0, NOISE, large.shape)
    return np.clip(large + noise, 0, LARGEST).astype(np.uint16)


def encoded(pixels: np.ndarray, syntax: UID, number: int) -> bytes:
    """A radiograph as a DICOM file."""
    coded = [bytes(ENCODERS[syntax](pixels))] if syntax in ENCODERS else None
    given: dict[str, Any] = {
        "BitsStored": 12,
        "HighBit": 11,
        "SOPInstanceUID": f"2.25.{number}",
        "PatientID": None,
        "StudyID": None,
    }
    plain = syntax if coded else str(ExplicitVRLittleEndian)
    ds = dataset(pixels, transfer_syntax=plain, codestreams=coded, **given)
    if not coded and syntax != ExplicitVRLittleEndian:
        ds.compress(syntax, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    return dicom_bytes(ds)


def land(folder: Path, studies: int, distinct: int, syntax: UID = ExplicitVRLittleEndian) -> None:
    """Studies of one image each, of which `distinct` differ; the others are links to them."""
    sources: list[Path] = []
    for number in range(studies):
        path = folder / folder_of(study(number)) / f"{number}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        if number < distinct:
            path.write_bytes(encoded(radiograph(number), syntax, number))
            sources.append(path)
        elif not path.exists():
            os.link(sources[number % distinct], path)


def study(number: int) -> StudyKey:
    """The study of a number."""
    return StudyKey(f"p{10_000_000 + number}", f"s{50_000_000 + number}")


def landed(store: ObjectStore) -> Iterator[tuple[StudyKey, LandedObject]]:
    """The objects of a landing folder."""
    for info in store.list():
        item = place_by_key(info, MIMIC_CXR)
        if item and item.patient and item.study:
            yield StudyKey(item.patient, item.study), item
