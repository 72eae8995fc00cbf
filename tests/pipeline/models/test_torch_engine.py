"""The path of GPUs, run on the processor, and on a GPU where there is one: batches, memory that does not suffice, sizes."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.embedder import EngineEmbedder
from medsearch_pipeline.models.engines.choice import EngineOptions
from medsearch_pipeline.models.engines.cuda import batch_for
from medsearch_pipeline.models.engines.open import open_engine
from medsearch_pipeline.models.engines.probe import MIN_COSINE, min_cosine, reference_vectors
from medsearch_pipeline.models.engines.torch_engine import TorchEngine
from medsearch_pipeline.models.network import FromPixels, Network
from tests.pipeline.models.small_models import DIMENSIONS, SIDE, WANTED, radiographs, small_network
from tests.support.sentences import figures


class Sizes(nn.Module):
    """The network, on a device whose memory holds so many pictures."""

    def __init__(self, holds: int) -> None:
        super().__init__()
        self.graph = FromPixels(small_network(), WANTED)
        self.holds, self.seen = holds, list[int]()

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        self.seen.append(len(pictures))
        if len(pictures) > self.holds:
            raise torch.OutOfMemoryError("CUDA out of memory")
        vectors: torch.Tensor = self.graph(pictures)
        return vectors


def embedder_of(engine: TorchEngine, graph: nn.Module) -> EngineEmbedder:
    return EngineEmbedder(Network("small", "0" * 64, WANTED, graph), engine, DIMENSIONS)


def test_every_batch_is_full_the_last_one_too_and_each_picture_gets_its_own_vector() -> None:
    graph = Sizes(holds=4)
    embedder = embedder_of(TorchEngine(graph, SIDE, "cpu", "fp32", 4), graph)
    pictures = radiographs(SIDE, 10)
    pictures[3:] = 255 - pictures[3:]
    vectors = embedder.embed(pictures)
    assert graph.seen == [4, 4, 4]
    assert min_cosine(vectors, reference_vectors(graph.graph, pictures)) > 0.999999
    for alone in range(10):
        assert np.array_equal(embedder.embed(pictures[alone : alone + 1]), vectors[alone : alone + 1])


def test_memory_that_does_not_suffice_halves_the_batch_for_good_and_no_vector_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    graph = Sizes(holds=3)
    embedder = embedder_of(TorchEngine(graph, SIDE, "cpu", "fp32", 8), graph)
    pictures = radiographs(SIDE, 24)
    pictures[3:] = 255 - pictures[3:]
    pictures[9:] = np.flip(pictures[9:], 1)
    assert embedder.batch_size == 8
    with caplog.at_level(logging.WARNING):
        found = list(embedder.embed_batches([pictures[:8], pictures[8:13], pictures[13:]]))
    assert [len(vectors) for vectors in found] == [8, 5, 11]
    assert min_cosine(np.concatenate(found), reference_vectors(graph.graph, pictures)) > 0.999999
    assert graph.seen == [8, 4, *[2] * 13]
    assert embedder.batch_size == 2
    assert [figures(record.getMessage()) for record in caplog.records] == [[4], [2]]


def test_memory_for_not_even_one_picture_stops_with_what_to_do() -> None:
    graph = Sizes(holds=0)
    with pytest.raises(ConfigurationError, match="64 x 64"):
        embedder_of(TorchEngine(graph, SIDE, "cpu", "fp32", 4), graph).embed(radiographs(SIDE))


def test_what_is_in_flight_when_memory_runs_out_keeps_its_vectors() -> None:
    graph = Sizes(holds=8)
    engine = TorchEngine(graph, SIDE, "cpu", "fp32", 8)
    pictures = radiographs(SIDE, 16)
    first = engine.start(pictures[:8])
    graph.holds = 4
    second = engine.start(255 - pictures[8:])
    expected = reference_vectors(graph.graph, np.concatenate([pictures[:8], 255 - pictures[8:]]))
    assert min_cosine(np.concatenate([first(), second()]), expected) > 0.999999


@pytest.mark.parametrize(
    ("free", "each", "fit"),
    [
        (80 * 2**30, 100 * 2**20, 256),
        (16 * 2**30, 100 * 2**20, 128),
        (2**30, 100 * 2**20, 8),
        (2**20, 2**30, 1),
        (2**30, 0, 256),
    ],
)
def test_the_automatic_batch_is_a_power_of_two_that_fits(free: int, each: int, fit: int) -> None:
    assert batch_for(free, each) == fit


def test_a_compiled_network_gives_the_vectors_of_the_eager_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    graph, pictures = FromPixels(small_network(), WANTED).eval(), radiographs(SIDE, 5)
    pictures[2:] = 255 - pictures[2:]
    network = Network("small", "0" * 64, WANTED, graph, DIMENSIONS)
    wanted = EngineOptions("torch-compiled", "cpu", "fp32", threads=1, cache_folder=tmp_path)
    embedder = EngineEmbedder(network, *open_engine(network, 2, wanted))
    assert embedder.engine == "torch-compiled fp32, cpu"
    assert min_cosine(embedder.embed(pictures), reference_vectors(graph, pictures)) > 0.999999
    assert any((tmp_path / "torch-compiled").rglob("*.so"))  # kept for the next process


@pytest.mark.gpu
@pytest.mark.parametrize("engine", ["torch", "torch-compiled"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_gpu_gives_the_vectors_of_eager_fp32(engine: str, precision: str) -> None:
    graph, pictures = FromPixels(small_network(), WANTED).eval(), radiographs(SIDE, 9)
    expected = reference_vectors(graph, pictures)
    network = Network("small", "0" * 64, WANTED, graph, DIMENSIONS)
    embedder = EngineEmbedder(network, *open_engine(network, 4, EngineOptions(engine, "cuda", precision)))  # type: ignore[arg-type]
    assert embedder.engine == f"{engine} {precision}, cuda"
    found = np.concatenate(list(embedder.embed_batches([pictures[:3], pictures[3:]])))
    assert min_cosine(found, expected) >= MIN_COSINE


@pytest.mark.gpu
def test_a_gpus_batch_is_as_large_as_its_memory_lets_it() -> None:
    graph = FromPixels(small_network(), WANTED).eval()
    engine = open_engine(Network("small", "0" * 64, WANTED, graph), 0, EngineOptions("torch", "cuda")).engine
    assert engine.batch_size == 256
