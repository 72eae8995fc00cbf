"""The demo's landing folder: synthetic chest radiographs and reports in MIMIC-CXR's layout, and the truth about them.

Belongs here: writing planned studies, images and reports to files. The ground truth is returned, never written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from medsearch_pipeline.demo.bad_files import write_bad_files
from medsearch_pipeline.demo.cases import Finding, Physique, View, stream
from medsearch_pipeline.demo.dicom_files import encode
from medsearch_pipeline.demo.plan import ImagePlan, PatientPlan, StudyPlan, plan_landing
from medsearch_pipeline.demo.radiographs import draw
from medsearch_pipeline.demo.real_images import add_pydicom_data
from medsearch_pipeline.demo.reports import Mention, write_report

__all__ = ["LandingSummary", "StudyTruth", "add_pydicom_data", "write_landing"]

SEED = 20260


@dataclass(frozen=True)
class StudyTruth:
    """The ground truth of one study: what was drawn, in which images, and what its report states."""

    findings: tuple[Finding, ...]
    images: Mapping[str, View]
    """By SOPInstanceUID."""
    mentions: frozenset[Mention] | None
    """None without a report."""


@dataclass(frozen=True)
class LandingSummary:
    """What was written: good studies by partition key (`p10000032/s50414267`), bad files by object key with the reason."""

    truth: Mapping[str, StudyTruth]
    bad_files: Mapping[str, str]

    @property
    def patients(self) -> int:
        """Number of good patients."""
        return len({study.partition("/")[0] for study in self.truth})

    @property
    def studies(self) -> int:
        """Number of good studies, one of which has only a report."""
        return len(self.truth)

    @property
    def images(self) -> int:
        """Number of good DICOM objects."""
        return sum(len(study.images) for study in self.truth.values())

    @property
    def reports(self) -> int:
        """Number of good reports."""
        return sum(study.mentions is not None for study in self.truth.values())


def write_landing(folder: Path, *, patients: int = 64, seed: int = SEED) -> LandingSummary:
    """Writes the landing folder: the same bytes for the same arguments, on every machine."""
    plans = plan_landing(patients, seed)
    truth = {}
    for patient in plans:
        for study in patient.studies:
            truth[f"p{study.patient_id}/s{study.study_id}"] = _write_study(folder, patient, study, seed)
    return LandingSummary(truth, write_bad_files(folder, seed, stranger=plans[0].patient_id))


def _write_study(folder: Path, patient: PatientPlan, study: StudyPlan, seed: int) -> StudyTruth:
    place = folder / study.folder
    (place if study.images else place.parent).mkdir(parents=True, exist_ok=True)
    for image in study.images:
        (place / f"{image.sop_instance_uid}.dcm").write_bytes(_radiograph(patient.body, study, image, seed))
    mentions = None
    if study.has_report:
        report = write_report(study, patient.body, stream(seed, "report", study.study_id))
        place.with_suffix(".txt").write_bytes(report.text.encode("ascii"))
        mentions = report.mentions
    return StudyTruth(study.findings, {image.sop_instance_uid: image.view for image in study.images}, mentions)


def _radiograph(body: Physique, study: StudyPlan, image: ImagePlan, seed: int) -> bytes:
    """A second frame is the soft-tissue image of a dual-energy pair."""
    frames = [
        draw(body, study.findings, image.view, seed, study.study_id, image.number, bones=float(frame == 0))
        for frame in range(image.frames)
    ]
    return encode(study, image, body, [frame.pixels for frame in frames], frames[0].pixel_spacing_mm)
