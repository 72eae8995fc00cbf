"""Many tiny studies in MIMIC-CXR's layout: one valid DICOM object and one report each, in a folder or a bucket.

One object is encoded, and the identifiers in its bytes are replaced study by study. All studies have the same pixels and text:
this landing store measures what grows with the number of studies, not decoders, models or report readers.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from medsearch_core.keys import StudyKey
from medsearch_core.storage.object_store import ObjectStore
from tests.support.factories import dataset, dicom_bytes
from tests.support.landing import REPORT, folder_of

PATIENT, STUDY = "10000000", "50000000"
STUDIES_PER_PATIENT = 3.5
"""Like MIMIC-CXR: 227,835 studies of 65,379 patients."""
PATIENTS_APART = 150
"""The difference of two patients' numbers, so that 65,379 of them fill the folders p10 to p19."""
WRITERS = 8
CHUNK = 10_000


def study(number: int) -> StudyKey:
    """The study with a number from 0 to 230,000; patients ascend with it."""
    patient = int(PATIENT) + PATIENTS_APART * int(number / STUDIES_PER_PATIENT)
    return StudyKey(f"p{patient}", f"s{int(STUDY) + number}")


def land(store: ObjectStore, first: int, end: int, side: int = 16) -> None:
    """Writes the studies with these numbers to a landing store; `side` is their image's side in pixels."""
    image = _image(side)
    with ThreadPoolExecutor(WRITERS) as writers:
        for start in range(first, end, CHUNK):
            for _ in writers.map(lambda item: store.write(*item), _objects(image, range(start, min(end, start + CHUNK)))):
                pass


def _objects(image: bytes, numbers: range) -> Iterator[tuple[str, bytes]]:
    for number in numbers:
        key = study(number)
        uid = f"2.25.1{key.patient[1:]}{key.study[1:]}.1.1"
        mine = image.replace(PATIENT.encode(), key.patient[1:].encode()).replace(STUDY.encode(), key.study[1:].encode())
        yield f"{folder_of(key)}/{uid}.dcm", mine
        yield f"{folder_of(key)}.txt", REPORT.encode()


def _image(side: int) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side), dtype=np.uint8)
    uid = f"2.25.1{PATIENT}{STUDY}"
    return dicom_bytes(
        dataset(
            pixels,
            PatientID=PATIENT,
            StudyID=STUDY,
            StudyInstanceUID=uid,
            SeriesInstanceUID=f"{uid}.1",
            SOPInstanceUID=f"{uid}.1.1",
        )
    )
