"""Models: safe to load, plain about what they lack, the same vector for the same picture."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models import densenet121, efficientnet_lite0
from medsearch_pipeline.models.preprocessing import letterbox
from medsearch_pipeline.models.protocol import Embedder
from medsearch_pipeline.models.registry import load_embedder
from medsearch_pipeline.models.weights import random_state


@pytest.fixture(scope="module", params=[("densenet121", "random", 1024), ("efficientnet_lite0", "imagenet", 1280)])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    model, weights, dimensions = request.param
    loaded = load_embedder(model, weights)
    assert (loaded.model_id, loaded.dimensions) == (f"{model}-{weights}", dimensions)
    return loaded


def pictures(embedder: Embedder, n: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (n, embedder.side, embedder.side, 3), dtype=np.uint8)


def test_a_pictures_vector_does_not_depend_on_the_rest_of_its_batch(embedder: Embedder) -> None:
    batch = pictures(embedder, 9)
    together = embedder.embed(batch)
    assert together.shape == (9, embedder.dimensions)
    assert together.dtype == np.float32
    assert np.isfinite(together).all()
    assert (together.std(0) > 0).any()
    assert np.array_equal(embedder.embed(batch[4:5]), together[4:5])
    assert np.array_equal(embedder.embed(batch[[8, 1, 3]]), together[[8, 1, 3]])
    assert embedder.embed(batch[:0]).shape == (0, embedder.dimensions)


def test_loading_a_model_again_gives_the_same_version_and_vectors(embedder: Embedder) -> None:
    model, _, weights = embedder.model_id.partition("-")
    again = load_embedder(model, weights)
    assert again.model_version == embedder.model_version
    assert np.array_equal(again.embed(pictures(embedder, 1)), embedder.embed(pictures(embedder, 1)))


def test_densenets_vector_is_relu_then_average_of_its_features() -> None:
    network = densenet121.Features().eval()
    batch = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = torch.nn.functional.adaptive_avg_pool2d(torch.relu(network.features(batch)), 1).flatten(1)
        assert torch.allclose(network(batch), expected, atol=1e-6)


def test_weights_from_a_file_are_those_weights_in_either_safe_format(tmp_path: Path) -> None:
    state = random_state(densenet121.Features)
    save_file(state, tmp_path / "w.safetensors")
    torch.save(state, tmp_path / "w.pth")
    versions = {load_embedder("densenet121", str(tmp_path / f"w.{e}")).model_version for e in ("safetensors", "pth")}
    assert versions == {load_embedder("densenet121", "random").model_version}


def test_the_published_densenet_names_are_understood(tmp_path: Path) -> None:
    published = {
        name.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): tensor
        for name, tensor in random_state(densenet121.Features).items()
    }
    assert published.keys() != random_state(densenet121.Features).keys()
    save_file(published, tmp_path / "w.safetensors")
    loaded = load_embedder("densenet121", str(tmp_path / "w.safetensors"))
    assert loaded.model_version == load_embedder("densenet121", "random").model_version


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("/tmp/medsearch-evil"),))  # type: ignore[return-value]


@pytest.mark.parametrize("write", ["pickle", "module"])
def test_weights_that_hold_code_are_refused_and_the_code_is_not_run(tmp_path: Path, write: str) -> None:
    file = tmp_path / "model.pth"
    if write == "pickle":
        file.write_bytes(pickle.dumps(Evil()))
    else:
        torch.save(torch.nn.Linear(2, 2), file)
    with pytest.raises(ConfigurationError, match="never run"):
        load_embedder("densenet121", str(file))
    assert not Path("/tmp/medsearch-evil").exists()


def test_weights_of_another_architecture_are_refused_by_name(tmp_path: Path) -> None:
    save_file(random_state(efficientnet_lite0.Features), tmp_path / "w.safetensors")
    with pytest.raises(ConfigurationError, match="do not fit densenet121"):
        load_embedder("densenet121", str(tmp_path / "w.safetensors"))


def test_a_missing_file_stops_with_what_to_give_instead() -> None:
    with pytest.raises(ConfigurationError, match="names no file: /no/such/file"):
        load_embedder("densenet121", "/no/such/file")


def test_imagenet_weights_that_cannot_be_downloaded_stop_with_the_alternatives(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(ConfigurationError, match="MEDSEARCH_MODEL=efficientnet_lite0"):
        load_embedder("densenet121", "imagenet")


def test_letterboxing_keeps_the_aspect_and_pads_with_black() -> None:
    tall = np.full((40, 20), 200, np.uint8)
    square = letterbox(tall, 8)
    assert square.shape == (8, 8, 3)
    assert (square[:, 2:6] == 200).all()
    assert (square[:, :2] == 0).all()
    assert (square[:, 6:] == 0).all()
