"""Converted graphs are kept, found again, checked, and done without where they cannot be kept."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino as ov
import pytest

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.engines import openvino_engine
from medsearch_pipeline.models.engines.cache import cached_graph
from medsearch_pipeline.models.engines.choice import EngineOptions
from medsearch_pipeline.models.engines.open import open_engine
from medsearch_pipeline.models.network import FromPixels, Network
from tests.pipeline.models.small_models import SIDE, WANTED, radiographs, small_network


@pytest.fixture
def network() -> Network:
    return Network("small", "0" * 64, WANTED, FromPixels(small_network(), WANTED).eval())


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_a_network_is_converted_once(engine: str, network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = EngineOptions(engine, "cpu", "fp32", cache_folder=tmp_path / "kept")  # type: ignore[arg-type]
    first = open_engine(network, 0, wanted)[0].start(radiographs(SIDE))()
    assert [path.name.partition("-")[0] for path in (tmp_path / "kept").iterdir()] == [engine]

    def again(network: Network) -> None:
        raise AssertionError("converted again")

    monkeypatch.setattr(f"medsearch_pipeline.models.engines.{engine}_engine.converted", again)
    second = open_engine(network, 0, wanted)[0].start(radiographs(SIDE))()
    assert np.array_equal(first, second)
    with pytest.raises(ConfigurationError, match="converted again"):
        open_engine(replace(network, digest="1" * 64), 0, wanted)


def another_network() -> Network:
    other = small_network()
    first = next(other.parameters())
    first.data.neg_()
    return Network("small", "0" * 64, WANTED, FromPixels(other, WANTED).eval())


def cut(place: Path) -> None:
    for file in place.iterdir():
        file.write_bytes(file.read_bytes()[:100])


def empty(place: Path) -> None:
    for file in place.iterdir():
        file.write_bytes(b"")


def without_files(place: Path) -> None:
    for file in place.iterdir():
        file.unlink()


def garble(place: Path) -> None:
    file = max(place.iterdir(), key=lambda file: file.stat().st_size)
    data = bytearray(file.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 400] = bytes(400)
    file.write_bytes(data)


@pytest.mark.parametrize(
    ("engine", "damage"),
    [("openvino", cut), ("openvino", empty), ("openvino", without_files), ("openvino", garble), ("onnxruntime", garble)],
)
def test_a_damaged_graph_is_converted_anew_and_told_once(
    engine: str, damage: Callable[[Path], None], network: Network, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = EngineOptions(engine, "cpu", "fp32", cache_folder=tmp_path / "kept")  # type: ignore[arg-type]
    first = open_engine(network, 0, wanted)[0].start(radiographs(SIDE))()
    (place,) = (tmp_path / "kept").iterdir()
    damage(place)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert np.array_equal(open_engine(network, 0, wanted)[0].start(radiographs(SIDE))(), first)
    (told,) = [record.getMessage() for record in caplog.records if record.name.startswith("medsearch")]
    assert told.startswith(f"the converted model in {place} is damaged")
    assert list((tmp_path / "kept").iterdir()) == [place]


def test_several_that_find_it_damaged_leave_one_whole_graph(network: Network, tmp_path: Path) -> None:
    wanted = EngineOptions("openvino", "cpu", "fp32", cache_folder=tmp_path / "kept")
    first = open_engine(network, 0, wanted)[0].start(radiographs(SIDE))()
    (place,) = (tmp_path / "kept").iterdir()
    cut(place)
    converted = openvino_engine.converted(network)

    def read_or_written(_: int) -> ov.Model:
        return cached_graph(
            tmp_path / "kept", network, "openvino", lambda _: converted, openvino_engine.write, openvino_engine.read
        )

    with ThreadPoolExecutor(4) as pool:
        graphs = list(pool.map(read_or_written, range(8)))
    for graph in graphs:
        runner = openvino_engine.OpenvinoEngine(graph, "fp32", 1)
        assert np.array_equal(runner.run(radiographs(SIDE)), first)
    assert list((tmp_path / "kept").iterdir()) == [place]
    assert sorted(file.name for file in place.iterdir()) == ["model.bin", "model.xml", "sha256"]


def test_a_kept_graph_that_is_another_networks_is_refused(network: Network, tmp_path: Path) -> None:
    wrong = openvino_engine.converted(another_network())
    cached_graph(tmp_path, network, "openvino", lambda _: wrong, openvino_engine.write, openvino_engine.read)
    with pytest.raises(ConfigurationError, match="cosine"):
        open_engine(network, 0, EngineOptions("openvino", "cpu", "fp32", cache_folder=tmp_path))


def test_a_folder_that_cannot_be_written_costs_time_alone(
    network: Network, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING):
        engine = open_engine(
            network, 0, EngineOptions("openvino", "cpu", "fp32", cache_folder=tmp_path / "file" / "kept")
        ).engine
    assert engine.start(radiographs(SIDE))().shape == (3, 24)
    assert str(tmp_path / "file" / "kept") in caplog.text
