"""Embedding many studies: full batches across studies, each study written as soon as its last image is done.

Worker processes read and decode thumbnails ahead, into memory shared with the model's process.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import numpy as np

from medsearch_core.batched import batched
from medsearch_core.columns import records_of
from medsearch_core.keys import StudyKey, digest_of
from medsearch_core.records import EmbeddingRecord, ThumbnailRecord
from medsearch_core.storage.warehouse import Warehouse, study_path
from medsearch_core.workers.limits import ItemFailure
from medsearch_core.workers.pool import Workers
from medsearch_pipeline.models.protocol import Embedder
from medsearch_pipeline.workers.shared_thumbnails import SharedThumbnailBuffer, Slot, ThumbnailLoader

PICTURES_A_CALL, PICTURES_AHEAD, BATCHES_AHEAD = 8, 32, 2
"""Thumbnails per call of a worker, and the minimum of such calls and of batches loaded ahead of the model."""
EMBEDDER_BATCHES = 3
"""Maximum batches of an embedder: those in progress, and one more."""

Loaded = tuple[Slot, str | ItemFailure | None]
"""A thumbnail's slot, and its error, if any."""


@dataclass
class Timings:
    """How this process spent its time, in seconds, and the number of images.

    Args:
        preprocess_seconds: waiting for thumbnails.
        inference_seconds: waiting for vectors.
        postprocess_seconds: writing vectors.
    """

    images: int = 0
    preprocess_seconds: float = 0.0
    inference_seconds: float = 0.0
    postprocess_seconds: float = 0.0

    def images_per_second(self) -> float:
        """Throughput of the three steps combined."""
        total = self.preprocess_seconds + self.inference_seconds + self.postprocess_seconds
        return self.images / total if total else 0.0


def vector_inputs_digest(model_id: str, model_version: str, thumbnails: str) -> str:
    """The digest of everything a study's vectors are made from; `thumbnails` is the digest of its thumbnails."""
    return digest_of("embeddings", model_id, model_version, thumbnails)


@dataclass(frozen=True)
class _Expected:
    """A study's number of thumbnails, and the digest of its vectors' inputs, when its embedding begins."""

    images: int
    inputs: str


@dataclass
class StudyEmbedder:
    """Embeds studies' thumbnails: the model sees what users see, and pixels are decoded once.

    Args:
        damaged: images without a vector because their PNG cannot be read, with the reason. Their studies are not current.
        not_finite: images whose vector is not finite. It is stored as all zeros, which is similar to nothing.
    """

    warehouse: Warehouse
    embedder: Embedder
    timings: Timings = field(default_factory=Timings)
    damaged: dict[StudyKey, dict[str, str]] = field(default_factory=dict)
    not_finite: dict[StudyKey, list[str]] = field(default_factory=dict)

    def inputs(self, study: StudyKey) -> str | None:
        """The digest of everything a study's vectors are made from; None while it has no thumbnails."""
        return self._inputs(self.warehouse.inputs(study_path("thumbnails", study)))

    def _inputs(self, thumbnails: str | None) -> str | None:
        return thumbnails and vector_inputs_digest(self.embedder.model_id, self.embedder.model_version, thumbnails)

    def is_current(self, study: StudyKey) -> bool:
        """Whether the study's vectors were made from its current thumbnails by this exact model."""
        inputs = self.inputs(study)
        return inputs is not None and self.warehouse.is_made_from(inputs, study_path("embeddings", study))

    def build(self, studies: Iterable[StudyKey], workers: Workers, done: Callable[[StudyKey], None]) -> None:
        """Embeds studies in order, in batches that run across them; calls `done` as each study is written.

        Memory does not depend on the number of images: thumbnails are kept in a ring of a few batches.
        """
        size = self.embedder.batch_size
        ahead = max(BATCHES_AHEAD, -(-PICTURES_AHEAD // size))
        slots = (ahead + EMBEDDER_BATCHES + 1) * size
        expected: dict[StudyKey, _Expected] = {}
        rows: dict[StudyKey, list[EmbeddingRecord]] = {}
        batches_in_flight: deque[list[Loaded]] = deque()
        with closing(SharedThumbnailBuffer(slots, self.embedder.side)) as buffer:
            load = ThumbnailLoader(self.warehouse.store, buffer.handle).load
            loaded = workers.map(load, self._slots(studies, slots, expected, done), PICTURES_A_CALL, ahead * size)

            batches = self._batches(batched(loaded, size), buffer.thumbnails, batches_in_flight)
            for vectors in self._timed_batches(batches):
                for (slot, fault), vector in zip(batch := batches_in_flight.popleft(), vectors, strict=True):
                    of_study = rows.setdefault(slot.study, [])
                    if fault is None:
                        if not np.isfinite(vector).all():
                            self.not_finite.setdefault(slot.study, []).append(slot.image_id)
                            vector = np.zeros_like(vector)
                        of_study.append(self._row(slot.image_id, vector))
                    else:
                        text = fault.detail if isinstance(fault, ItemFailure) else fault
                        self.damaged.setdefault(slot.study, {})[slot.image_id] = text
                    wanted = expected[slot.study]
                    if len(of_study) + len(self.damaged.get(slot.study, ())) == wanted.images:
                        self._write(slot.study, rows.pop(slot.study), wanted.inputs, done)
                        del expected[slot.study]
                self.timings.images += len(batch)

    def _slots(
        self, studies: Iterable[StudyKey], slots: int, expected: dict[StudyKey, _Expected], done: Callable[[StudyKey], None]
    ) -> Iterator[Slot]:
        number = 0
        for study in studies:
            thumbnails = self.warehouse.written(study_path("thumbnails", study))
            inputs = self._inputs(thumbnails.inputs) or ""
            if thumbnails.rows.num_rows:
                expected[study] = _Expected(thumbnails.rows.num_rows, inputs)
            else:
                self._write(study, [], inputs, done)
            for each in records_of(ThumbnailRecord, thumbnails.rows):
                yield Slot(study, each.image_id, each.path, each.bytes, number % slots)
                number += 1

    def _batches(
        self, loaded: Iterator[list[Loaded]], pictures: np.ndarray, batches_in_flight: deque[list[Loaded]]
    ) -> Iterator[np.ndarray]:
        """The thumbnails of each batch as views into the ring; their identities are added to `batches_in_flight`."""
        while True:
            with self._timed("preprocess_seconds"):
                batch = next(loaded, None)
            if batch is None:
                return
            batches_in_flight.append(batch)
            start = batch[0][0].index
            yield pictures[start : start + len(batch)]

    def _row(self, image_id: str, vector: np.ndarray) -> EmbeddingRecord:
        return EmbeddingRecord(
            image_id=image_id,
            model_id=self.embedder.model_id,
            model_version=self.embedder.model_version,
            vector=vector.tolist(),
        )

    def _write(self, study: StudyKey, rows: list[EmbeddingRecord], inputs: str, done: Callable[[StudyKey], None]) -> None:
        with self._timed("postprocess_seconds"):
            inputs = "" if study in self.damaged else inputs
            self.warehouse.write_rows(EmbeddingRecord, study_path("embeddings", study), rows, inputs)
        done(study)

    def _timed_batches(self, batches: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        vectors = self.embedder.embed_batches(batches)
        while True:
            started, waited = time.perf_counter(), self.timings.preprocess_seconds
            found = next(vectors, None)
            waited = self.timings.preprocess_seconds - waited
            self.timings.inference_seconds += time.perf_counter() - started - waited
            if found is None:
                return
            yield found

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        setattr(self.timings, step, getattr(self.timings, step) + time.perf_counter() - started)
