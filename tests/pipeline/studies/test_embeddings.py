"""Embedding across studies: full batches, one file a study, the same vectors however the batches fell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medsearch_core.dicom.thumbnails import encode_png
from medsearch_core.keys import StudyKey
from medsearch_core.records import EmbeddingRecord, ThumbnailRecord
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse, study_path, thumbnail_path
from medsearch_core.workers.pool import Workers
from medsearch_pipeline.models.registry import load_embedder
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.embeddings import StudyEmbedder
from medsearch_pipeline.workers.decoding import decoding_workers
from tests.support.embedders import Shares

STUDIES = [StudyKey("p10000001", f"s{n}") for n in range(5)]
IMAGES = [3, 0, 1, 6, 2]


def add_thumbnails(warehouse: Warehouse, study: StudyKey, images: int) -> None:
    rows = []
    for n in range(images):
        picture = np.random.default_rng([int(study.study[1:]), n]).integers(0, 256, (48, 40), dtype=np.uint8)
        path = thumbnail_path(study, f"{study.study}.{n}")
        warehouse.store.write(path, encode_png(picture))
        rows.append(ThumbnailRecord(image_id=f"{study.study}.{n}", path=path, width=40, height=48, bytes=1, sha256=""))
    warehouse.write_rows(ThumbnailRecord, study_path("thumbnails", study), rows, f"digest of {study}")


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    house = Warehouse(open_store(str(tmp_path)))
    for study, images in zip(STUDIES, IMAGES, strict=True):
        add_thumbnails(house, study, images)
    return house


@pytest.fixture(scope="module")
def builder_of():
    model = load_embedder("efficientnet_lite0", "imagenet", batch_size=4)
    return lambda house: StudyEmbedder(house, model)


@pytest.fixture
def workers() -> Workers:
    return decoding_workers(Settings())


def vectors(house: Warehouse, study: StudyKey) -> list[EmbeddingRecord]:
    return house.read_rows(EmbeddingRecord, study_path("embeddings", study))


def test_every_thumbnail_gets_one_vector_of_the_named_model(workers: Workers, warehouse: Warehouse, builder_of) -> None:
    builder = builder_of(warehouse)
    done: list[StudyKey] = []
    builder.build(STUDIES, workers, done.append)
    assert sorted(done) == STUDIES
    assert [len(vectors(warehouse, s)) for s in STUDIES] == IMAGES
    row = vectors(warehouse, STUDIES[0])[1]
    assert (row.image_id, row.model_id, len(row.vector)) == ("s0.1", "efficientnet_lite0-imagenet", 1280)
    assert row.model_version == builder.embedder.model_version
    assert builder.timings.images == 12
    assert builder.timings.images_per_second() > 0


def test_a_study_embedded_alone_has_the_bytes_it_has_among_others(workers: Workers, warehouse: Warehouse, builder_of) -> None:
    builder_of(warehouse).build(STUDIES, workers, lambda _: None)
    together = {s: warehouse.store.read(study_path("embeddings", s)) for s in STUDIES}
    for study in STUDIES:
        builder_of(warehouse).build([study], workers, lambda _: None)
        assert warehouse.store.read(study_path("embeddings", study)) == together[study]


def test_a_study_is_current_until_its_thumbnails_change(workers: Workers, warehouse: Warehouse, builder_of) -> None:
    builder = builder_of(warehouse)
    assert not builder.is_current(STUDIES[0])
    builder.build(STUDIES[:1], workers, lambda _: None)
    assert builder.is_current(STUDIES[0])
    warehouse.write_rows(ThumbnailRecord, study_path("thumbnails", STUDIES[0]), [], "another digest")
    assert not builder.is_current(STUDIES[0])


def test_a_study_without_thumbnails_yet_has_no_inputs(tmp_path: Path, builder_of) -> None:
    assert builder_of(Warehouse(open_store(str(tmp_path / "empty")))).inputs(STUDIES[0]) is None


def gray(level: int) -> bytes:
    return encode_png(np.full((32, 32), level, np.uint8))


def levels(house: Warehouse, study: StudyKey) -> dict[str, int]:
    return {row.image_id: int(np.argmax(row.vector)) for row in vectors(house, study)}


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_pictures_keep_their_places_as_the_ring_goes_round(workers: Workers, tmp_path: Path, batch_size: int) -> None:
    house = Warehouse(open_store(str(tmp_path)))
    studies = [StudyKey("p1", f"s{n}") for n in range(40)]
    for n, study in enumerate(studies):
        add_thumbnails(house, study, 3)
        for image in range(3):
            house.store.write(thumbnail_path(study, f"{study.study}.{image}"), gray(3 * n + image))
    StudyEmbedder(house, Shares(batch_size)).build(studies, workers, lambda _: None)
    for n, study in enumerate(studies):
        assert levels(house, study) == {f"{study.study}.{image}": 3 * n + image for image in range(3)}


class Dividing(Shares):
    """Divides by a picture's deviation, which a flat one has not."""

    def embed(self, pictures: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return super().embed(pictures) / pictures.std((1, 2, 3), dtype=np.float32)[:, np.newaxis]


def test_a_vector_that_is_not_finite_costs_its_own_image_its_likeness_alone(workers: Workers, warehouse: Warehouse) -> None:
    warehouse.store.write(thumbnail_path(STUDIES[0], "s0.1"), encode_png(np.full((48, 48), 7, np.uint8)))
    builder = StudyEmbedder(warehouse, Dividing(4))
    builder.build(STUDIES, workers, lambda _: None)
    assert builder.not_finite == {STUDIES[0]: ["s0.1"]}
    assert [bool(np.any(row.vector)) for row in vectors(warehouse, STUDIES[0])] == [True, False, True]
    assert all(np.isfinite(row.vector).all() for study in STUDIES for row in vectors(warehouse, study))
    assert all(builder.is_current(study) for study in STUDIES)


def test_a_damaged_picture_costs_its_own_vector_and_its_study_is_made_again(workers: Workers, warehouse: Warehouse) -> None:
    damaged, missing = (thumbnail_path(STUDIES[n], f"s{n}.1") for n in (0, 3))
    warehouse.store.write(damaged, gray(1)[:40])
    warehouse.store.delete(missing)
    builder, done = StudyEmbedder(warehouse, Shares(4)), list[StudyKey]()
    builder.build(STUDIES, workers, done.append)
    assert sorted(done) == STUDIES
    assert {study: list(images) for study, images in builder.damaged.items()} == {STUDIES[0]: ["s0.1"], STUDIES[3]: ["s3.1"]}
    assert [len(vectors(warehouse, s)) for s in STUDIES] == [2, 0, 1, 5, 2]
    assert [builder.is_current(s) for s in STUDIES] == [False, True, True, False, True]
    warehouse.store.write(damaged, gray(1))
    again = StudyEmbedder(warehouse, Shares(4))
    again.build(STUDIES[:1], workers, done.append)
    assert len(vectors(warehouse, STUDIES[0])) == 3
    assert again.is_current(STUDIES[0])
