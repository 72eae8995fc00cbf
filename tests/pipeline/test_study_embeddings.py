"""Embedding across studies: full batches, one file a study, the same vectors however the batches fell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medsearch_core.dicom.thumbnails import encode_png
from medsearch_core.keys import StudyKey
from medsearch_core.records import EmbeddingRecord, ThumbnailRecord
from medsearch_core.storage.object_store import open_store
from medsearch_core.storage.warehouse import Warehouse, study_path, thumbnail_path
from medsearch_pipeline.models.registry import load_embedder
from medsearch_pipeline.study_embeddings import StudyEmbedder, batched

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
def builder_of():  # type: ignore[no-untyped-def]
    model = load_embedder("efficientnet_lite0", "imagenet", batch_size=4)
    return lambda house: StudyEmbedder(house, model)


def vectors(house: Warehouse, study: StudyKey) -> list[EmbeddingRecord]:
    return house.read_rows(EmbeddingRecord, study_path("embeddings", study))


def test_every_thumbnail_of_every_study_gets_one_vector_of_the_named_model(warehouse: Warehouse, builder_of) -> None:  # type: ignore[no-untyped-def]
    builder = builder_of(warehouse)
    done: list[StudyKey] = []
    builder.build(STUDIES, done.append)
    assert sorted(done) == STUDIES
    assert [len(vectors(warehouse, s)) for s in STUDIES] == IMAGES
    row = vectors(warehouse, STUDIES[0])[1]
    assert (row.image_id, row.model_id, len(row.vector)) == ("s0.1", "efficientnet_lite0-imagenet", 1280)
    assert row.model_version == builder.embedder.model_version
    assert builder.timings.images == 12
    assert builder.timings.images_per_second() > 0


def test_a_study_embedded_alone_has_the_bytes_it_has_among_others(warehouse: Warehouse, builder_of) -> None:  # type: ignore[no-untyped-def]
    builder_of(warehouse).build(STUDIES, lambda _: None)
    together = {s: warehouse.store.read(study_path("embeddings", s)) for s in STUDIES}
    for study in STUDIES:
        builder_of(warehouse).build([study], lambda _: None)
        assert warehouse.store.read(study_path("embeddings", study)) == together[study]


def test_a_study_is_current_until_its_thumbnails_change(warehouse: Warehouse, builder_of) -> None:  # type: ignore[no-untyped-def]
    builder = builder_of(warehouse)
    assert not builder.is_current(STUDIES[0])
    builder.build(STUDIES[:1], lambda _: None)
    assert builder.is_current(STUDIES[0])
    warehouse.write_rows(ThumbnailRecord, study_path("thumbnails", STUDIES[0]), [], "another digest")
    assert not builder.is_current(STUDIES[0])


def test_a_study_without_thumbnails_yet_has_no_inputs(tmp_path: Path, builder_of) -> None:  # type: ignore[no-untyped-def]
    assert builder_of(Warehouse(open_store(str(tmp_path / "empty")))).inputs(STUDIES[0]) is None


def test_batches_are_full_but_for_the_last() -> None:
    assert list(batched(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
