"""Converted graphs are kept, found again, checked, and done without where they cannot be kept."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from small_models import SIDE, WANTED, radiographs, small_network

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.engines import openvino_engine
from medsearch_pipeline.models.engines.choice import Wanted
from medsearch_pipeline.models.engines.open import open_engine
from medsearch_pipeline.models.network import FromPixels, Network


@pytest.fixture
def network() -> Network:
    return Network("small", "0" * 64, WANTED, FromPixels(small_network(), WANTED).eval())


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_a_network_is_converted_once(engine: str, network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = Wanted(engine, "cpu", "fp32", kept=tmp_path / "kept")  # type: ignore[arg-type]
    first = open_engine(network, 0, wanted)[0].start(radiographs(SIDE))()
    assert [path.name.partition("-")[0] for path in (tmp_path / "kept").iterdir()] == [engine]

    def again(network: Network) -> None:
        raise AssertionError("converted again")

    monkeypatch.setattr(f"medsearch_pipeline.models.engines.{engine}_engine.converted", again)
    second = open_engine(network, 0, wanted)[0].start(radiographs(SIDE))()
    assert np.array_equal(first, second)
    with pytest.raises(ConfigurationError, match="converted again"):
        open_engine(replace(network, digest="1" * 64), 0, wanted)


def test_a_kept_graph_that_is_another_networks_is_refused(network: Network, tmp_path: Path) -> None:
    wanted = Wanted("openvino", "cpu", "fp32", kept=tmp_path / "kept")
    open_engine(network, 0, wanted)
    other = small_network()
    other[0].weight.data.neg_()
    wrong = Network("small", "0" * 64, WANTED, FromPixels(other, WANTED).eval())
    (place,) = (tmp_path / "kept").iterdir()
    ov.save_model(openvino_engine.converted(wrong), place / "model.xml", compress_to_fp16=False)
    with pytest.raises(ConfigurationError, match="its vectors are not those of fp32"):
        open_engine(network, 0, wanted)


def test_a_folder_that_cannot_be_written_costs_time_alone(
    network: Network, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING):
        engine, _ = open_engine(network, 0, Wanted("openvino", "cpu", "fp32", kept=tmp_path / "file" / "kept"))
    assert engine.start(radiographs(SIDE))().shape == (3, 24)
    assert "the converted model is not kept" in caplog.text
