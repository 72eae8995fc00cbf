"""The inspection of a file says what ingestion does with it: the same reasons, frames, keys and pictures."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import JPEGLSLossless

from medsearch_core.keys import StudyKey, pseudonymous_study_key
from medsearch_core.records import EXCLUSIONS, REASONS
from medsearch_core.storage.open import open_store
from medsearch_core.workers.limits import Limits
from medsearch_core.workers.pool import Workers
from medsearch_pipeline.intake.file_inspection import FileInspection, FileInspector
from medsearch_pipeline.intake.placement import place_by_key
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.settings.layout import MIMIC_CXR
from medsearch_pipeline.studies.dicom_objects import DicomObjectProcessor
from medsearch_pipeline.workers.decoding import server, shared_workers
from tests.core.dicom.encoders import LOSSLESS, RAMP
from tests.support.bombs import bomb
from tests.support.factories import dataset, dicom_bytes
from tests.support.landing import folder_of, image_bytes

STUDY = StudyKey("p10000032", "s50414267")
JPEG_LS = LOSSLESS[JPEGLSLossless](RAMP)
INSPECTOR = FileInspector(thumbnail_side=64, max_pixels=10**6, layout=MIMIC_CXR.pattern.pattern)


def of_patient(pixels: np.ndarray | None = RAMP, **attributes: Any) -> bytes:
    return dicom_bytes(dataset(pixels, **attributes))


OBJECTS = {
    "good": image_bytes(STUDY),
    "frames": of_patient(np.stack([RAMP, RAMP // 2])),
    "a damaged frame": of_patient(
        transfer_syntax=JPEGLSLossless, codestreams=[JPEG_LS, JPEG_LS[:50], JPEG_LS], NumberOfFrames=3
    ),
    "missing frames": of_patient(NumberOfFrames=4),
    "another patient": of_patient(PatientID="999"),
    "another study": of_patient(StudyID="999"),
    "no image": of_patient(None),
    "no identity": of_patient(StudyInstanceUID="not a UID"),
    "bomb": of_patient(Rows=2000, Columns=2000),
    "truncated": of_patient()[:400],
    "cut": of_patient()[:-6000],
    "text": b"this is no image, whatever its name says",
    "empty": b"",
}


def inspect(file: Path, inspector: FileInspector = INSPECTOR) -> FileInspection:
    (found,) = inspector.inspect([str(file)])
    return found


@pytest.mark.parametrize("name", OBJECTS)
def test_a_file_in_its_folder_is_used_and_rejected_as_by_ingestion(name: str, tmp_path: Path) -> None:
    landing, pictures = open_store(str(tmp_path / "landing")), open_store(str(tmp_path / "pictures"))
    key = f"{folder_of(STUDY)}/1.dcm"
    landing.write(key, OBJECTS[name])
    found = inspect(tmp_path / "landing" / key)
    placed = place_by_key(landing.info(key), MIMIC_CXR)
    assert placed is not None
    if placed.reason:
        assert [each.reason for each in found.rejections] == [placed.reason]
        return
    made = next(DicomObjectProcessor(landing, pictures, 64, 10**6).process([(STUDY, placed)]))
    assert [(r.reason, r.detail, r.frame) for r in found.rejections] == [(r.reason, r.detail, r.frame) for r in made.rejections]
    assert {each.reason for each in found.rejections} <= REASONS.keys()
    drawn = [frame for frame in found.pixels.frames if frame.png] if found.pixels else []
    assert [frame.frame for frame in drawn] == [image.frame for image in made.images]
    assert [hashlib.sha256(frame.png).hexdigest() for frame in drawn] == [each.sha256 for each in made.thumbnails]
    assert [dict((s.name, s.result) for s in f.steps)["grays"] for f in drawn] == [each.grays for each in made.thumbnails]
    assert found.sha256 == hashlib.sha256(OBJECTS[name]).hexdigest()
    if found.identity and made.images:
        assert found.identity.study_instance_uid == made.images[0].study_instance_uid
        assert (found.identity.patient, found.identity.study) == (STUDY.patient, STUDY.study)


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("good", "used"),
        ("a damaged frame", "partly used"),
        ("missing frames", "partly used"),
        ("another patient", "rejected"),
        ("no image", "excluded"),
        ("text", "rejected"),
    ],
)
def test_its_state_is_that_of_the_ledger_or_partly_used(name: str, state: str, tmp_path: Path) -> None:
    file = tmp_path / folder_of(STUDY) / "1.dcm"
    file.parent.mkdir(parents=True)
    file.write_bytes(OBJECTS[name])
    found = inspect(file)
    assert found.state == state
    assert (state == "excluded") == bool(found.rejections and found.rejections[0].reason in EXCLUSIONS)


def test_outside_the_layout_the_header_names_patient_and_study(tmp_path: Path) -> None:
    file = tmp_path / "any.dcm"
    file.write_bytes(of_patient(PatientID="999"))
    found = inspect(file)
    assert (found.state, found.identity and found.identity.patient) == ("used", None)
    secret = b"a secret of this deployment"
    keyed = inspect(file, FileInspector(thumbnail_side=64, max_pixels=10**6, layout=INSPECTOR.layout, secret=secret))
    expected = pseudonymous_study_key("999", "1.2.826.0.1.1", secret)
    assert keyed.identity is not None
    assert (keyed.identity.patient, keyed.identity.study) == (expected.patient, expected.study)


@pytest.mark.parametrize(
    ("name", "data", "kind", "reason"),
    [
        ("report.txt", b"FINDINGS: No effusion.", "report", None),
        ("notes.pdf", b"%PDF-1.7", "other", "unrecognised_object"),
        ("image.dcm", b"%PDF-1.7", "other", "not_dicom"),
        (".DS_Store", b"Bud1", "other", "system_file"),
        ("image.dcm", b"", "other", "empty_object"),
        ("image.dcm", of_patient(SOPInstanceUID="x"), "dicom", "missing_identity"),
    ],
)
def test_other_files_are_what_they_are(name: str, data: bytes, kind: str, reason: str | None, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    found = inspect(tmp_path / name)
    assert (found.kind, [each.reason for each in found.rejections]) == (kind, [reason] if reason else [])


def test_uids_are_made_where_that_is_allowed(tmp_path: Path) -> None:
    file = tmp_path / folder_of(STUDY) / "1.dcm"
    file.parent.mkdir(parents=True)
    file.write_bytes(of_patient(StudyInstanceUID="x"))
    assert inspect(file).state == "rejected"
    allowing = FileInspector(thumbnail_side=64, max_pixels=10**6, layout=INSPECTOR.layout, require_uids=False)
    found = inspect(file, allowing)
    assert found.identity is not None
    assert (found.state, found.identity.made_uids) == ("used", ("StudyInstanceUID",))
    assert found.identity.study_instance_uid.startswith("2.25.")


def test_file_meta_information_of_another_object_is_noticed(tmp_path: Path) -> None:
    ds = dataset(RAMP)
    data = dicom_bytes(ds)
    (tmp_path / "1.dcm").write_bytes(data.replace(b"1.2.826.0.1.1.1.1", b"1.2.826.0.1.1.1.9", 1))
    assert [each.code for each in inspect(tmp_path / "1.dcm").disagreements] == ["sop_instance_uid"]


def test_files_are_inspected_in_worker_processes_with_the_limits_of_ingestion(tmp_path: Path) -> None:
    (tmp_path / "1.dcm").write_bytes(OBJECTS["good"])
    workers = shared_workers(1, Limits(seconds=60, bytes=2**30))
    found = list(FileInspector.of(Settings()).inspect_all([str(tmp_path / "1.dcm"), str(tmp_path / "none.dcm")], workers))
    assert [(each.state, [r.reason for r in each.rejections]) for each in found] == [
        ("used", []),
        ("rejected", ["unreadable_object"]),
    ]
    assert found[0].pixels == inspect(tmp_path / "1.dcm", FileInspector.of(Settings())).pixels


def test_a_file_that_exhausts_its_process_costs_that_file_alone(tmp_path: Path) -> None:
    (tmp_path / "bomb.dcm").write_bytes(bomb(STUDY))
    (tmp_path / "good.dcm").write_bytes(OBJECTS["good"])
    workers = Workers(1, Limits(seconds=60, bytes=2**29), server())
    files = [str(tmp_path / "bomb.dcm"), str(tmp_path / "good.dcm")]
    bombed, good = FileInspector.of(Settings()).inspect_all(files, workers)
    workers.close()
    assert (bombed.file, bombed.state, bombed.pixels) == (files[0], "rejected", None)
    assert [each.reason for each in bombed.rejections] == ["undecodable_pixel_data"]
    assert "0.5 GiB" in bombed.rejections[0].detail
    assert (good.file, good.state) == (files[1], "used")
