"""Embedding many studies: full batches across studies, each study written as soon as its last image is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

import numpy as np

from medsearch_core.dicom.thumbnails import decode_png
from medsearch_core.keys import StudyKey, digest_of
from medsearch_core.records import EmbeddingRecord, ThumbnailRecord
from medsearch_core.storage.warehouse import Warehouse, study_path
from medsearch_pipeline.models.preprocessing import letterbox
from medsearch_pipeline.models.protocol import Embedder

Item = TypeVar("Item")
Picture = tuple[StudyKey, str, np.ndarray]


@dataclass
class Timings:
    """Where the time went, in seconds, and how many images it went to."""

    images: int = 0
    preprocess_seconds: float = 0.0
    inference_seconds: float = 0.0
    postprocess_seconds: float = 0.0

    def images_per_second(self) -> float:
        """Throughput of the three steps together."""
        total = self.preprocess_seconds + self.inference_seconds + self.postprocess_seconds
        return self.images / total if total else 0.0


def inputs_of_vectors(model_id: str, model_version: str, thumbnails: str) -> str:
    """The digest of everything a study's vectors are made from; `thumbnails` is that of its thumbnails."""
    return digest_of("embeddings", model_id, model_version, thumbnails)


@dataclass
class StudyEmbedder:
    """Embeds studies' thumbnails: what the model sees is what people see, and pixels are decoded once."""

    warehouse: Warehouse
    embedder: Embedder
    timings: Timings = field(default_factory=Timings)

    def inputs(self, study: StudyKey) -> str | None:
        """The digest of everything a study's vectors are made from; None while it has no thumbnails."""
        thumbnails = self.warehouse.inputs(study_path("thumbnails", study))
        return thumbnails and inputs_of_vectors(self.embedder.model_id, self.embedder.model_version, thumbnails)

    def is_current(self, study: StudyKey) -> bool:
        """Whether the study's vectors were made from its present thumbnails by this very model."""
        return self.warehouse.inputs(study_path("embeddings", study)) == self.inputs(study)

    def build(self, studies: Iterable[StudyKey], done: Callable[[StudyKey], None]) -> None:
        """Embeds studies in order, in batches that run across them; calls `done` as each study is written."""
        expected: dict[StudyKey, int] = {}
        rows: dict[StudyKey, list[EmbeddingRecord]] = {}
        for batch in batched(self._pictures(studies, expected, done), self.embedder.batch_size):
            with self._timed("inference_seconds"):
                vectors = self.embedder.embed(np.stack([picture for _, _, picture in batch]))
            for (study, image_id, _), vector in zip(batch, vectors, strict=True):
                rows.setdefault(study, []).append(self._row(image_id, vector))
                if len(rows[study]) == expected[study]:
                    self._write(study, rows.pop(study), done)
            self.timings.images += len(batch)

    def _pictures(
        self, studies: Iterable[StudyKey], expected: dict[StudyKey, int], done: Callable[[StudyKey], None]
    ) -> Iterator[Picture]:
        for study in studies:
            thumbnails = self.warehouse.read_rows(ThumbnailRecord, study_path("thumbnails", study))
            expected[study] = len(thumbnails)
            if not thumbnails:
                self._write(study, [], done)
            for thumbnail in thumbnails:
                with self._timed("preprocess_seconds"):
                    picture = letterbox(decode_png(self.warehouse.store.read(thumbnail.path)), self.embedder.side)
                yield study, thumbnail.image_id, picture

    def _row(self, image_id: str, vector: np.ndarray) -> EmbeddingRecord:
        return EmbeddingRecord(
            image_id=image_id,
            model_id=self.embedder.model_id,
            model_version=self.embedder.model_version,
            vector=vector.tolist(),
        )

    def _write(self, study: StudyKey, rows: list[EmbeddingRecord], done: Callable[[StudyKey], None]) -> None:
        with self._timed("postprocess_seconds"):
            path = study_path("embeddings", study)
            self.warehouse.write_rows(EmbeddingRecord, path, rows, self.inputs(study) or "")
        done(study)

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        setattr(self.timings, step, getattr(self.timings, step) + time.perf_counter() - started)


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Items in lists of `size`, the last one shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
