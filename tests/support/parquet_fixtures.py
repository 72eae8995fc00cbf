"""Studies as the pipeline leaves them in the warehouse, written without pixels or a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from medsearch_core.keys import StudyKey, digest_of
from medsearch_core.records import EmbeddingRecord, ImageRecord, ReportRecord
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse, study_path
from medsearch_pipeline.models.code_version import FOLDER, code_version_of
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.documents import TABLES
from medsearch_pipeline.studies.embeddings import vector_inputs_digest

MODEL, OTHER_MODEL = ("net-imagenet", "aaaa-512px-p1"), ("net-imagenet", "bbbb-512px-p1")
WORDS = "Large left pleural effusion."


def study_key(number: int) -> StudyKey:
    """The study of a number."""
    return StudyKey(f"p{10_000_000 + number // 2}", f"s{50_000_000 + number}")


def home_settings(home: Path, **others: Any) -> Settings:
    """Settings that keep everything below one folder, but for what others say."""
    return Settings(**({"warehouse": str(home / "warehouse"), "index": str(home / "index")} | others))


def warehouse_of(settings: Settings) -> Warehouse:
    """The warehouse of the settings."""
    return Warehouse(open_store(settings.warehouse))


def fill_warehouse(settings: Settings, studies: int, images: int = 2) -> list[StudyKey]:
    """Writes so many studies; returns their keys."""
    keys = [study_key(n) for n in range(studies)]
    for key in keys:
        put_study(warehouse_of(settings), key, images)
    return keys


def record_configured_model(settings: Settings, model: tuple[str, str] = MODEL) -> None:
    """Notes that the configured model is the one of `put_embeddings`, as a run that loaded it would."""
    named = json.dumps(dict(zip(("model_id", "model_version"), model, strict=True)), sort_keys=True)
    path = f"{FOLDER}/{code_version_of(settings.model, settings.weights)}.json"
    warehouse_of(settings).store.write(path, named.encode())


def put_study(
    warehouse: Warehouse, study: StudyKey, images: int = 2, words: str = WORDS, model: tuple[str, str] = MODEL
) -> None:
    """Writes a study's three tables as a run of the study assets would."""
    put_images(warehouse, study, images)
    put_embeddings(warehouse, study, images, model)
    put_report(warehouse, study, words)


def put_images(warehouse: Warehouse, study: StudyKey, images: int) -> None:
    """Writes `dicom_metadata` alone."""
    rows = [
        ImageRecord(
            image_id=f"{study.study[1:]}.{n}",
            patient=study.patient,
            study=study.study,
            key=f"files/{study}/{n}.dcm",
            sha256="0" * 64,
            bytes=1,
            frame=1,
            frames=1,
            is_representative=True,
            study_instance_uid="2.25.1",
            sop_instance_uid=f"{study.study[1:]}.{n}",
            modality="DX",
            view_position="PA",
            rows=1,
            columns=1,
        )
        for n in range(images)
    ]
    warehouse.write_rows(ImageRecord, study_path("dicom_metadata", study), rows, _digest(study, images))


def put_embeddings(warehouse: Warehouse, study: StudyKey, images: int, model: tuple[str, str] = MODEL) -> None:
    """Writes `embeddings` alone, made from so many images."""
    random = np.random.default_rng(int(study.study[1:]))
    rows = [
        EmbeddingRecord(
            image_id=f"{study.study[1:]}.{n}",
            model_id=model[0],
            model_version=model[1],
            vector=random.normal(size=8).astype(np.float32).tolist(),
        )
        for n in range(images)
    ]
    inputs = vector_inputs_digest(*model, _digest(study, images))
    warehouse.write_rows(EmbeddingRecord, study_path("embeddings", study), rows, inputs)


def put_report(warehouse: Warehouse, study: StudyKey, words: str) -> None:
    """Writes `reports` alone."""
    lists: Any = {name: [] for name, kind in ReportRecord.__annotations__.items() if kind == "list[str]"}
    row = ReportRecord(
        report_id=study.study,
        patient=study.patient,
        study=study.study,
        key=f"files/{study}.txt",
        sha256="0" * 64,
        encoding="utf-8",
        ner_version="1",
        text=words,
        impression=words,
        **lists,
    )
    warehouse.write_rows(ReportRecord, study_path("reports", study), [row], digest_of(words))


def remove_study(warehouse: Warehouse, study: StudyKey) -> None:
    """Deletes a study's tables."""
    for table in TABLES:
        warehouse.store.delete(study_path(table, study))


def _digest(study: StudyKey, images: int) -> str:
    return digest_of("images", study.partition, str(images))
