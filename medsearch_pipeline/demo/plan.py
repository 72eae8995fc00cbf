"""Which patients, studies and images the demo has, and how each image is stored.

Belongs here: decisions, made before a pixel is drawn. The first patients of a long plan are the patients of a short one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

import numpy as np

from medsearch_pipeline.demo.cases import Finding, Kind, Physique, Side, View, physique, stream

Encoding = Literal["native", "rle", "jpeg2000"]

KINDS_BY_PATIENT: tuple[tuple[Kind, ...], ...] = (
    ("pleural effusion",),
    ("pneumothorax",),
    ("consolidation",),
    (),
    ("cardiomegaly",),
    ("pulmonary nodule",),
    (),
    ("consolidation",),
    ("pleural effusion", "cardiomegaly"),
    ("pneumothorax",),
    ("consolidation",),
    ("pulmonary nodule",),
    ("cardiomegaly",),
    (),
    ("consolidation", "pleural effusion"),
    ("pleural effusion",),
)
STUDIES_BY_PATIENT = (2, 3, 2, 2, 1, 2, 3)
VIEWS: tuple[tuple[View, ...], ...] = (
    ("PA", "LATERAL"),
    ("AP",),
    ("PA", "LATERAL"),
    ("PA", "LATERAL"),
    ("AP", "LATERAL"),
    ("PA",),
)
LASTING: frozenset[Kind] = frozenset({"cardiomegaly", "pulmonary nodule"})
FIRST_PATIENT, FIRST_STUDY = 10000032, 50414267


@dataclass(frozen=True)
class ImagePlan:
    """One DICOM object and the deviations from the standard that its modality makes."""

    sop_instance_uid: str
    view: View
    number: int
    encoding: Encoding
    is_inverted: bool
    """MONOCHROME1: low values are bright."""
    has_window: bool
    has_view_position: bool
    has_rescale: bool
    frames: int


@dataclass(frozen=True)
class StudyPlan:
    """One visit: present findings, resolved findings, and the files that land."""

    patient_id: str
    study_id: str
    study_instance_uid: str
    day: date
    number: int
    findings: tuple[Finding, ...]
    resolved: tuple[Finding, ...]
    images: tuple[ImagePlan, ...]
    has_report: bool
    has_prior: bool

    @property
    def folder(self) -> str:
        """The folder of its images, `files/p10/p10000032/s50414267`; its report is the same path with `.txt`."""
        return f"files/p{self.patient_id[:2]}/p{self.patient_id}/s{self.study_id}"


@dataclass(frozen=True)
class PatientPlan:
    """One patient's body and visits, oldest first."""

    patient_id: str
    body: Physique
    studies: tuple[StudyPlan, ...]


def uid(seed: int, *names: str | int) -> str:
    """A UID derived from a name: a hash under the root for UUIDs (PS3.5 B.2)."""
    digest = hashlib.sha256("/".join(map(str, (seed, *names))).encode()).hexdigest()
    return f"2.25.{int(digest[:30], 16)}"


def plan_landing(patients: int, seed: int) -> list[PatientPlan]:
    """Every patient of the demo. Every ninth study has no report, and one has a report but no image."""
    plans, images, studies = [], 0, 0
    for n in range(patients):
        planned = _patient(n, seed, images, studies)
        plans.append(planned)
        images += sum(len(study.images) for study in planned.studies)
        studies += len(planned.studies)
    return plans


def _patient(n: int, seed: int, images: int, studies: int) -> PatientPlan:
    rng = stream(seed, "patient", n)
    patient_id = str(FIRST_PATIENT + (n % 10) * 1_004_139 + n // 10 * 6_013)
    body = physique(rng)
    kinds = KINDS_BY_PATIENT[n % len(KINDS_BY_PATIENT)]
    now = tuple(_finding(kind, rng) for kind in kinds)
    day = date(2110 + int(rng.integers(0, 85)), 1, 1) + timedelta(days=int(rng.integers(0, 360)))
    gone: tuple[Finding, ...] = ()
    visits = []
    for number in range(STUDIES_BY_PATIENT[n % len(STUDIES_BY_PATIENT)]):
        study_id = str(FIRST_STUDY + (n * 3 + number) * 12_501)
        is_report_only = (n, number) == (1, 2)
        views = () if is_report_only else VIEWS[(3 * n + number) % len(VIEWS)]
        stored = tuple(_image(seed, study_id, view, i, images + i) for i, view in enumerate(views))
        has_report = is_report_only or (studies + number) % 9 != 5
        study = StudyPlan(
            patient_id, study_id, uid(seed, "study", study_id), day, number, now, gone, stored, has_report, number > 0
        )
        visits.append(study)
        images += len(stored)
        day += timedelta(days=int(rng.integers(2, 240)))
        now, gone = _later(now, rng)
    return PatientPlan(patient_id, body, tuple(visits))


def _finding(kind: Kind, rng: np.random.Generator) -> Finding:
    side: Side = "left" if rng.random() < 0.5 else "right"
    size = ("small", "moderate", "large")[int(rng.choice(3, p=(0.2, 0.4, 0.4)))]
    zone = "upper" if rng.random() < 0.45 else "lower"
    if kind == "cardiomegaly":
        return Finding(kind, "left", size)  # type: ignore[arg-type]
    return Finding(kind, side, size, zone)  # type: ignore[arg-type]


def _later(before: tuple[Finding, ...], rng: np.random.Generator) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The findings present at the next visit, and those resolved since."""
    stays, gone = [], []
    for finding in before:
        luck = rng.random()
        if finding.kind in LASTING or luck < 0.45:
            stays.append(finding)
        elif luck < 0.7:
            smaller = {"large": "moderate", "moderate": "small", "small": "small"}[finding.size]
            stays.append(replace(finding, size=smaller))  # type: ignore[arg-type]
        else:
            gone.append(finding)
    return tuple(stays), tuple(gone)


def _image(seed: int, study_id: str, view: View, number: int, n: int) -> ImagePlan:
    """How the n-th image is stored: each deviation has its own period, so that all combinations occur."""
    encoding: Encoding = "jpeg2000" if n % 29 == 2 else "rle" if n % 7 == 3 else "native"
    return ImagePlan(
        sop_instance_uid=uid(seed, "image", study_id, number),
        view=view,
        number=number,
        encoding=encoding,
        is_inverted=n % 5 == 4,
        has_window=n % 3 != 0,
        has_view_position=n % 11 != 5,
        has_rescale=n % 6 == 1,
        frames=2 if n == 6 else 1,
    )
