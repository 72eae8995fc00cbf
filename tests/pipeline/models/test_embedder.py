"""Models: the same vector for the same picture, batches in order, and none waited for in vain."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from medsearch_pipeline.models.embedder import EngineEmbedder
from medsearch_pipeline.models.engines.choice import EngineOptions
from medsearch_pipeline.models.engines.engine import InThread
from medsearch_pipeline.models.families import efficientnet_lite0
from medsearch_pipeline.models.protocol import Embedder
from medsearch_pipeline.models.registry import load_embedder
from tests.pipeline.models.small_models import radiographs


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    loaded = load_embedder("efficientnet_lite0", "imagenet", 4, EngineOptions(device="cpu"))
    assert (loaded.model_id, loaded.dimensions, loaded.side, loaded.batch_size) == ("efficientnet_lite0-imagenet", 1280, 224, 4)
    return loaded


def test_a_pictures_vector_does_not_depend_on_the_rest_of_its_batch(embedder: Embedder) -> None:
    batch = radiographs(embedder.side, 9)
    batch[3:] = 255 - batch[3:]
    together = embedder.embed(batch)
    assert together.shape == (9, embedder.dimensions)
    assert together.dtype == np.float32
    assert np.isfinite(together).all()
    assert not np.array_equal(together[0], together[3])
    assert np.array_equal(embedder.embed(batch[4:5]), together[4:5])
    assert np.array_equal(embedder.embed(batch[[8, 1, 3]]), together[[8, 1, 3]])
    assert embedder.embed(batch[:0]).shape == (0, embedder.dimensions)


def test_batches_of_any_size_give_their_own_vectors_in_order(embedder: Embedder) -> None:
    pictures = radiographs(embedder.side, 11)
    pictures[5:] = np.flip(pictures[5:], 2)
    expected = embedder.embed(pictures)
    sizes = [1, 0, 6, 4]
    ends = np.cumsum(sizes)
    batches = [pictures[end - size : end] for size, end in zip(sizes, ends, strict=True)]
    for batch, vectors in zip(batches, embedder.embed_batches(iter(batches)), strict=True):
        assert vectors.shape == (len(batch), embedder.dimensions)
    found = np.concatenate(list(embedder.embed_batches(batches)))
    assert np.array_equal(found, expected)


def test_an_array_may_hold_another_batch_once_its_vectors_were_given(embedder: Embedder) -> None:
    pictures = radiographs(embedder.side, 12)
    pictures[6:] = 255 - pictures[6:]
    buffers, free = [np.empty_like(pictures[:3]) for _ in range(2)], [0, 1]
    lent: list[int] = []

    def batches() -> Iterator[np.ndarray]:
        for start in range(0, 12, 3):
            lent.append(free.pop(0))
            buffers[lent[-1]][:] = pictures[start : start + 3]
            yield buffers[lent[-1]]

    found = []
    for vectors in embedder.embed_batches(batches()):
        free.append(lent.pop(0))
        buffers[free[-1]][:] = 77
        found.append(vectors)
    assert np.array_equal(np.concatenate(found), embedder.embed(pictures))


class Counting:
    """A runner that says when it begins, and goes on once it is let."""

    name = "counting"

    def __init__(self) -> None:
        self.begun, self.go = threading.Semaphore(0), threading.Event()
        self.ended = 0

    def run(self, pictures: np.ndarray) -> np.ndarray:
        self.begun.release()
        assert self.go.wait(300)
        self.ended += 1
        return pictures[:, 0, 0, :1].astype(np.float32)


def test_the_next_batch_is_taken_while_the_engine_works_on_the_one_before() -> None:
    runner, network = Counting(), efficientnet_lite0.load("", "random")
    slow = EngineEmbedder(network, InThread(runner, 4), 1)
    taken = []

    def batches() -> Iterator[np.ndarray]:
        for n in range(4):
            if n == 1:
                assert runner.begun.acquire(timeout=300)  # the first cannot end before this one is taken
                runner.go.set()
            taken.append(n)
            yield np.full((2, 224, 224, 3), n, np.uint8)

    assert [vectors[0, 0] for vectors in slow.embed_batches(batches())] == [0, 1, 2, 3]
    assert taken == [0, 1, 2, 3]


def test_who_stops_early_gets_the_arrays_back_when_nothing_reads_them_any_more() -> None:
    runner, network = Counting(), efficientnet_lite0.load("", "random")
    runner.go.set()
    vectors = EngineEmbedder(network, InThread(runner, 4), 1).embed_batches(np.zeros((5, 2, 224, 224, 3), np.uint8))
    next(vectors)
    vectors.close()  # type: ignore[attr-defined]
    assert runner.ended == 2


def test_pictures_of_another_shape_are_refused(embedder: Embedder) -> None:
    with pytest.raises(ValueError, match=r"uint8 \[n, 224, 224, 3\], not uint8 \[1, 64, 64, 3\]"):
        embedder.embed(np.zeros((1, 64, 64, 3), np.uint8))
    with pytest.raises(ValueError, match="not float32"):
        embedder.embed(np.zeros((1, 224, 224, 3), np.float32))


def test_neither_engine_nor_precision_is_part_of_the_models_version(embedder: Embedder) -> None:
    by_torch = load_embedder("efficientnet_lite0", "imagenet", 1, EngineOptions("torch", "cpu", "fp32"))
    assert by_torch.engine != embedder.engine
    assert (by_torch.model_id, by_torch.model_version) == (embedder.model_id, embedder.model_version)
