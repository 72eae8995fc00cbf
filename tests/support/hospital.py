"""A small hospital: four studies of three patients in a real warehouse and a real index, whose every answer is known."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from medsearch_core.keys import StudyKey
from medsearch_core.records import EmbeddingRecord, EntityRecord, ImageRecord, ReportRecord
from medsearch_core.search.documents import study_documents
from medsearch_core.search.embedded.index import open_embedded
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse, study_path, thumbnail_path

MODEL = {"model_id": "densenet121-imagenet", "model_version": "abc-1"}
NER = "rules-1-test"

NAMES = {
    "J90": "Pleural effusion, not elsewhere classified",
    "J93.9": "Pneumothorax, unspecified",
    "I51.7": "Cardiomegaly",
    "J18.9": "Pneumonia, unspecified organism",
}


@dataclass(frozen=True, kw_only=True)
class Mention:
    """Words of a report with what they mean."""

    words: str
    code: str
    assertion: str
    cue: str | None = None
    category: str = "diagnosis"


@dataclass(frozen=True, kw_only=True)
class StudyOf:
    """One study as a test describes it: views with vectors, and a report in sections."""

    patient: str
    study: str
    images: dict[str, tuple[str, list[float]]]
    sections: dict[str, str]
    mentions: Sequence[Mention] = ()
    sex: str = "F"
    age: float = 52.0
    date: str = "2019-03-04"
    tags: Sequence[str] = ()
    laterality: str | None = None

    @property
    def key(self) -> StudyKey:
        return StudyKey(self.patient, self.study)


EFFUSION = StudyOf(
    patient="p1",
    study="s1",
    images={"1.1": ("PA", [1.0, 0.0, 0.0, 0.0]), "1.2": ("LATERAL", [0.0, 1.0, 0.0, 0.0])},
    sections={
        "examination": "CHEST RADIOGRAPH",
        "indication": "Shortness of breath.",
        "comparison": "None.",
        "findings": "Moderate left pleural effusion. There is no pneumothorax.",
        "impression": "Left effusion.",
    },
    mentions=[
        Mention(words="pleural effusion", code="J90", assertion="present"),
        Mention(words="pneumothorax", code="J93.9", assertion="absent", cue="no"),
    ],
    tags=["Trial 7", "teaching"],
)
PNEUMONIA = StudyOf(
    patient="p1",
    study="s2",
    images={"2.1": ("PA", [0.8, 0.6, 0.0, 0.0])},
    sections={"findings": "𝛼 Opacity, possible pneumonia.", "impression": "Possible pneumonia. No effusion."},
    mentions=[Mention(words="pneumonia", code="J18.9", assertion="uncertain", cue="possible")],
    date="2019-05-06",
    laterality="R",
)
HEART = StudyOf(
    patient="p2",
    study="s3",
    images={"3.1": ("PA", [0.6, 0.0, 0.8, 0.0])},
    sections={"findings": "The heart shows cardiomegaly.", "impression": "Cardiomegaly without pleural effusion."},
    mentions=[
        Mention(words="cardiomegaly", code="I51.7", assertion="present"),
        Mention(words="pleural effusion", code="J90", assertion="absent", cue="without"),
    ],
    sex="M",
    age=71.5,
    laterality="L",
)
UNREPORTED = StudyOf(patient="p3", study="s4", images={"4.1": ("AP", [0.0, 0.0, 0.0, 1.0])}, sections={}, sex="M", age=33.0)
HOSPITAL = (EFFUSION, PNEUMONIA, HEART, UNREPORTED)


def fill(folder: Path, studies: Sequence[StudyOf] = HOSPITAL, side: int = 32) -> None:
    """Writes the studies' tables and thumbnails to `folder/warehouse` and their documents to `folder/index`."""
    warehouse = Warehouse(open_store(str(folder / "warehouse")))
    documents = []
    for study in studies:
        key, images, embeddings = study.key, image_records(study), embedding_records(study)
        reports = [report_record(study)] if study.sections else []
        warehouse.write_rows(ImageRecord, study_path("dicom_metadata", key), images, "1")
        warehouse.write_rows(EmbeddingRecord, study_path("embeddings", key), embeddings, "1")
        warehouse.write_rows(ReportRecord, study_path("reports", key), reports, "1")
        warehouse.write_rows(EntityRecord, study_path("report_entities", key), entity_records(study), "1")
        for image_id, (view, _) in study.images.items():
            warehouse.store.write(thumbnail_path(key, image_id), radiograph(view, image_id, side))
        documents.append(study_documents(key, images, embeddings, reports, f"inputs of {key}", study.tags))
    open_embedded(str(folder / "index")).upsert(documents)


def image_records(study: StudyOf) -> list[ImageRecord]:
    """The study's rows of `dicom_metadata`."""
    return [
        ImageRecord(
            image_id=image_id,
            patient=study.patient,
            study=study.study,
            key=f"files/{study.key}/{image_id}.dcm",
            sha256=sha256(image_id),
            bytes=5_000_000_000,
            frame=1,
            frames=1,
            is_representative=True,
            patient_id="THE-PATIENT-ID",
            study_instance_uid="1.9",
            sop_instance_uid=image_id,
            study_date=study.date,
            study_time="12:30:00",
            instance_number=number,
            modality="DX",
            body_part_examined="CHEST",
            view_position=view,
            laterality=study.laterality,
            patient_sex=study.sex,
            patient_age_years=study.age,
            manufacturer="Acme",
            manufacturer_model_name="Ray 7",
            kvp=120.0,
            photometric_interpretation="MONOCHROME2",
            rows=2544,
            columns=3056,
            bits_stored=12,
            pixel_spacing_mm=[0.139, 0.139],
        )
        for number, (image_id, (view, _)) in enumerate(study.images.items(), start=1)
    ]


def embedding_records(study: StudyOf) -> list[EmbeddingRecord]:
    """The study's rows of `embeddings`."""
    return [EmbeddingRecord(image_id=i, vector=vector, **MODEL) for i, (_, vector) in study.images.items()]


def report_text(study: StudyOf) -> str:
    """The report as it would be written."""
    return "\n\n".join(f"{name.upper()}: {text}" for name, text in study.sections.items())


def report_record(study: StudyOf) -> ReportRecord:
    """The study's row of `reports`."""
    told = {a: sorted({m.code for m in study.mentions if m.assertion == a}) for a in ("present", "absent", "uncertain")}
    words = {a: [m.words for m in study.mentions if m.assertion == a] for a in ("present", "absent")}
    nothing: Any = {name: [] for name in ("positive_signs", "negative_signs", "positive_symptoms", "negative_symptoms")}
    sections: dict[str, Any] = dict(study.sections)
    text = report_text(study)
    return ReportRecord(
        report_id=study.study,
        patient=study.patient,
        study=study.study,
        key=f"files/{study.key}.txt",
        sha256=sha256(text),
        encoding="utf-8",
        ner_version=NER,
        text=text,
        **sections,
        positive_diagnoses=words["present"],
        negative_diagnoses=words["absent"],
        positive_icd10cms=[NAMES[c] for c in told["present"]],
        negative_icd10cms=[NAMES[c] for c in told["absent"]],
        **nothing,
        present_codes=told["present"],
        absent_codes=told["absent"],
        uncertain_codes=told["uncertain"],
    )


def entity_records(study: StudyOf) -> list[EntityRecord]:
    """The study's rows of `report_entities`; each mention stands where its words first occur in the findings or after."""
    text = report_text(study)
    found = []
    for mention in study.mentions:
        begin = text.index(mention.words, text.index("FINDINGS"))
        found.append(
            EntityRecord(
                report_id=study.study,
                text=mention.words,
                begin=begin,
                end=begin + len(mention.words),
                section="findings" if begin < text.index("IMPRESSION") else "impression",
                concept=mention.words,
                category=mention.category,
                assertion=mention.assertion,
                cue=mention.cue,
                icd10cm_code=mention.code,
                icd10cm_description=NAMES[mention.code],
                score=0.95,
            )
        )
    return found


def sha256(text: str) -> str:
    """The SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def radiograph(view: str, seed: str, side: int) -> bytes:
    """A PNG that looks a little like a chest radiograph: a body, lungs, a heart, ribs, and noise of its own."""
    random = np.random.default_rng(int(sha256(seed)[:8], 16))
    height, width = side, side * (3 if view == "LATERAL" else 4) // 4
    picture = Image.new("L", (width, height), 10)
    draw = ImageDraw.Draw(picture)

    def box(x0: float, y0: float, x1: float, y1: float) -> list[float]:
        return [x0 * width, y0 * height, x1 * width, y1 * height]

    draw.rounded_rectangle(box(0.06, 0.1, 0.94, 1.2), radius=width * 0.25, fill=120)
    draw.rectangle(box(0.4, 0.0, 0.6, 0.2), fill=130)
    for left in (0.14, 0.54) if view != "LATERAL" else (0.22,):
        draw.ellipse(box(left, 0.16, left + (0.32 if view != "LATERAL" else 0.55), 0.86), fill=38)
    for rib in range(9):
        y = 0.16 + rib * 0.08
        draw.arc(box(0.1, y, 0.9, y + 0.3), 200, 340, fill=88, width=max(1, side // 60))
    if view != "LATERAL":
        draw.rectangle(box(0.47, 0.05, 0.53, 1.0), fill=170)
        draw.ellipse(box(0.42, 0.48, 0.6 + 0.2 * random.random(), 0.84), fill=165)
    soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(side / 45)), dtype=np.float32)
    noisy = np.clip(soft * (0.9 + 0.3 * random.random()) + random.normal(0, 5, soft.shape), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noisy).save(buffer, "PNG")
    return buffer.getvalue()
