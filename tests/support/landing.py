"""Small landing folders for the pipeline's tests: MIMIC-CXR's layout, real DICOM bytes, real report text."""

from __future__ import annotations

from typing import Any

import numpy as np

from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedChange
from medsearch_core.storage.object_store import ObjectStore
from tests.support.factories import dataset, dicom_bytes

REPORT = """FINAL REPORT
INDICATION: Rule out pneumonia.
FINDINGS: There is a large left pleural effusion. No pneumothorax.
IMPRESSION: Large left pleural effusion.
"""


def image_bytes(study: StudyKey, number: int = 1, **attributes: Any) -> bytes:
    """A 12-bit radiograph of a study, different for each number."""
    pixels = np.random.default_rng(number).integers(0, 4096, (96, 80), dtype=np.uint16)
    given = {
        "PatientID": study.patient[1:],
        "StudyID": study.study[1:],
        "StudyInstanceUID": f"2.25.{int(study.study[1:])}",
        "SOPInstanceUID": sop_instance_uid(study, number),
        "BitsStored": 12,
        "HighBit": 11,
    }
    return dicom_bytes(dataset(pixels, **{**given, **attributes}))


def sop_instance_uid(study: StudyKey, number: int = 1) -> str:
    """The SOPInstanceUID of `image_bytes`."""
    return f"2.25.{int(study.study[1:])}.{number}"


def folder_of(study: StudyKey) -> str:
    """Where a study's images lie below the landing root."""
    return f"files/{study.patient[:3]}/{study.patient}/{study.study}"


def land_study(store: ObjectStore, study: StudyKey, images: int = 1, report: str | None = REPORT) -> None:
    """Puts a study's images and report into a landing store."""
    for number in range(1, images + 1):
        store.write(f"{folder_of(study)}/{sop_instance_uid(study, number)}.dcm", image_bytes(study, number))
    if report is not None:
        store.write(f"{folder_of(study)}.txt", report.encode())


def noticed(study: StudyKey, change: str = "added") -> LandedChange:
    """What the journal says of one image of a study."""
    return LandedChange(
        key=f"{study}/1.dcm",
        bytes=1,
        etag="1",
        kind="dicom",
        patient=study.patient,
        study=study.study,
        report_names=[],
        change=change,
    )
