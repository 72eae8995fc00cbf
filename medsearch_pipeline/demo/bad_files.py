"""Files that real buckets also contain and that must be rejected with a reason while every other file is ingested.

Belongs here: one patient with nothing but faulty files, and stray files. Reasons are those of
`medsearch_core.records.REASONS`.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO

from medsearch_pipeline.demo.cases import physique, stream
from medsearch_pipeline.demo.dicom_files import encode, to_bytes
from medsearch_pipeline.demo.plan import ImagePlan, StudyPlan, uid

PATIENT, STUDY = "19999999", "59999999"
FOLDER = f"files/p{PATIENT[:2]}/p{PATIENT}/s{STUDY}"
HTML = b"<!DOCTYPE html><html><head><title>Index of /files</title></head><body></body></html>\n"


def write_bad_files(folder: Path, seed: int, stranger: str) -> dict[str, str]:
    """Writes them to a landing folder; returns key → the reason for which the file must be rejected.

    Args:
        stranger: PatientID of another patient, whose image is in the wrong folder.
    """
    reasons = {}
    for name, (data, reason) in _files(seed, stranger).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if reason:
            reasons[name] = reason
    return reasons


def _files(seed: int, stranger: str) -> dict[str, tuple[bytes, str]]:
    """Key → content and reason; the reason is None only for the good file that others duplicate."""
    first, other = _object(seed, 1), _object(seed, 2)
    repeat = dcmread(DicomBytesIO(first))
    repeat.InstanceNumber = 7
    misplaced = dcmread(DicomBytesIO(_object(seed, 3)))
    misplaced.PatientID = stranger
    headless = dcmread(DicomBytesIO(_object(seed, 4)))
    del headless.PixelData
    return {
        f"{FOLDER}/a_good_image.dcm": (first, ""),
        f"{FOLDER}/copy_of_a_good_image.dcm": (first, "duplicate_object"),
        f"{FOLDER}/other_image_with_the_same_uid.dcm": (to_bytes(repeat), "duplicate_sop_instance_uid"),
        f"{FOLDER}/of_another_patient.dcm": (to_bytes(misplaced), "identity_mismatch"),
        f"{FOLDER}/truncated_pixels.dcm": (other[: len(other) // 2], "truncated_pixel_data"),
        f"{FOLDER}/cut_in_the_header.dcm": (other[:400], "truncated_header"),
        f"{FOLDER}/header_only.dcm": (to_bytes(headless), "no_pixel_data"),
        f"{FOLDER}/empty.dcm": (b"", "empty_object"),
        f"{FOLDER}/zeros.dcm": (bytes(4096), "not_dicom"),
        f"{FOLDER}/a_pdf.dcm": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n", "not_dicom"),
        f"{FOLDER}.txt": (bytes(range(128, 256)) * 3 + b"\x00\x81\x8d\x00", "undecodable_text"),
        "files/index.html": (HTML, "unrecognised_object"),
        "LICENSE.txt": (b"Synthetic data of the medsearch demo, in the public domain (CC0).\n", "report_without_study"),
    }


def _object(seed: int, n: int) -> bytes:
    image = ImagePlan(uid(seed, "bad", n), "PA", n, "native", False, True, True, False, 1)
    study = StudyPlan(PATIENT, STUDY, uid(seed, "study", STUDY), date(2150, 1, 2), 0, (), (), (image,), True, False)
    rng = stream(seed, "bad", n)
    ramp = np.add.outer(np.arange(256), np.arange(256)) * 6 + rng.integers(0, 200, (256, 256))
    return encode(study, image, physique(rng), [ramp.astype(np.uint16)], 1.0)
