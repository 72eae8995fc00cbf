"""Every engine gives the vectors of eager fp32, of real pictures, and the same bits again."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from importlib.metadata import distribution as find_distribution
from pathlib import Path

import numpy as np
import pytest

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.embedder import EngineEmbedder
from medsearch_pipeline.models.engines.choice import EngineOptions
from medsearch_pipeline.models.engines.machine import detect_capabilities
from medsearch_pipeline.models.engines.open import open_engine
from medsearch_pipeline.models.engines.probe import MIN_COSINE, min_cosine, reference_vectors
from medsearch_pipeline.models.families import densenet121, efficientnet_lite0
from medsearch_pipeline.models.network import Network
from tests.pipeline.models.small_models import radiographs
from tests.support.paths import PROJECT_ROOT

SIDE = 128
"""Both networks take pictures of any size; small ones are quicker."""
HAS_BF16 = detect_capabilities().cpu_bf16
"""OpenVINO has bf16 only where the processor has; torch emulates it."""
FAMILIES = {"densenet121": (densenet121, "random"), "efficientnet_lite0": (efficientnet_lite0, "imagenet")}


@cache
def network_of(model: str) -> Network:
    family, weights = FAMILIES[model]
    network = family.load("", weights)
    return replace(network, input=network.input.model_copy(update={"side": SIDE}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.mark.parametrize(
    ("model", "engine", "precision"),
    [
        ("densenet121", "torch", "fp32"),
        ("densenet121", "torch", "bf16"),
        ("densenet121", "openvino", "fp32"),
        *[("densenet121", "openvino", "bf16")] * HAS_BF16,
        ("efficientnet_lite0", "torch", "fp32"),
        ("efficientnet_lite0", "openvino", "fp32"),
        ("efficientnet_lite0", "onnxruntime", "fp32"),
    ],
)
def test_an_engines_vectors_are_those_of_eager_fp32(model: str, engine: str, precision: str, folder: Path) -> None:
    network, pictures = network_of(model), radiographs(SIDE)
    wanted = EngineOptions(engine, "cpu", precision, cache_folder=folder)  # type: ignore[arg-type]
    embedder = EngineEmbedder(network, *open_engine(network, 0, wanted))
    assert embedder.engine.startswith(f"{engine} {precision}")
    vectors = embedder.embed(pictures)
    assert vectors.shape == (3, embedder.dimensions)
    assert vectors.dtype == np.float32
    assert not isinstance(network.graph, bytes)
    assert min_cosine(vectors, reference_vectors(network.graph, pictures)) >= MIN_COSINE
    assert np.array_equal(embedder.embed(pictures), vectors)
    assert np.array_equal(embedder.embed(pictures[[2, 0, 1, 2]]), vectors[[2, 0, 1, 2]])
    assert np.array_equal(embedder.embed(pictures[1:2]), vectors[1:2])


@pytest.mark.parametrize("engine", ["torch", *["openvino"] * HAS_BF16])
def test_a_precision_that_does_not_give_the_models_vectors_is_refused(engine: str, folder: Path) -> None:
    network = network_of("efficientnet_lite0")
    with pytest.raises(ConfigurationError, match=rf"no engine runs .*{engine} bf16: .*cosine 0\.9"):
        open_engine(network, 0, EngineOptions(engine, "cpu", "bf16", cache_folder=folder))  # type: ignore[arg-type]


def test_left_to_itself_a_model_runs_exactly_enough_and_says_on_what(folder: Path) -> None:
    network = network_of("efficientnet_lite0")
    engine, dimensions, found = open_engine(network, 0, EngineOptions(device="cpu", threads=1, cache_folder=folder))
    assert (engine.batch_size, dimensions) == (8, 1280)
    assert found is not None
    assert engine.name.startswith(str(found.ranked[0].plan))
    assert found.ranked[0].plan.precision == "fp32"
    rejected = [candidate for candidate in found.candidates if candidate.plan.precision == "bf16"]
    assert [(each.plan.engine, each.images_per_second) for each in rejected] == [("openvino", None), ("torch", None)] * HAS_BF16
    assert all(each.cosine is not None and each.cosine < MIN_COSINE for each in rejected)


def test_openvino_tells_nobody_that_it_is_used(tmp_path: Path) -> None:
    """Without us it sends an event to its makers for each import and each conversion, and keeps an id in the home folder."""
    program = (
        "from medsearch_pipeline.models.registry import load_embedder\n"
        "from medsearch_pipeline.models.engines.choice import EngineOptions\n"
        "options = EngineOptions('openvino', 'cpu', 'fp32', cache_folder=None)\n"
        "print(load_embedder('efficientnet_lite0', 'random', options=options).engine)\n"
        "from openvino.tools.ovc import telemetry_utils\n"
        "print(telemetry_utils.tm.__name__)\n"
    )
    assert find_distribution("openvino-telemetry"), (
        "it is installed with OpenVINO, and has to be, for this test to say anything"
    )
    environment = os.environ | {"HOME": str(tmp_path), "PYTHONPATH": str(PROJECT_ROOT)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True)
    engine, told_by = done.stdout.splitlines()[-2:]
    assert engine.startswith("openvino")
    assert told_by == "openvino.tools.ovc.telemetry_stub"
    assert not (tmp_path / "intel").exists()
