"""A model in a file: the same vectors whatever its format, and metadata that must be there and true."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import save_file

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.cli import main
from medsearch_pipeline.models.code_version import code_version_of
from medsearch_pipeline.models.engines.choice import EngineOptions
from medsearch_pipeline.models.engines.probe import MIN_COSINE, min_cosine
from medsearch_pipeline.models.families import densenet121
from medsearch_pipeline.models.families.model_file import graph_of
from medsearch_pipeline.models.metadata import metadata_of, sha256_of
from medsearch_pipeline.models.registry import load_embedder
from medsearch_pipeline.models.weights import random_state, state_from_file
from tests.pipeline.models.small_models import (
    DIMENSIONS,
    MEAN,
    SIDE,
    STD,
    WANTED,
    described,
    radiographs,
    small_network,
    write_model,
)

FP32 = EngineOptions(device="cpu", precision="fp32", cache_folder=None)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The small network in each format, with metadata."""
    folder = tmp_path_factory.mktemp("models")
    files = {
        name: write_model(folder / f"{name.replace('.', '-')}{Path(name).suffix}")
        for name in ("a.onnx", "b.pt2", "c.pt", "d.ts")
    }
    for file in files.values():
        described(file)
    return files


def expected(pictures: np.ndarray) -> np.ndarray:
    """What the network gives for pictures normalised by hand."""
    planes = pictures.transpose(0, 3, 1, 2).astype(np.float64) / 255
    normalised = (planes - np.reshape(MEAN, (3, 1, 1))) / np.reshape(STD, (3, 1, 1))
    with torch.inference_mode():
        return small_network()(torch.from_numpy(normalised.astype(np.float32))).numpy()


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        ("a.onnx", "openvino"),
        ("a.onnx", "onnxruntime"),
        ("b.pt2", "torch"),
        ("b.pt2", "openvino"),
        ("b.pt2", "onnxruntime"),
        ("c.pt", "torch"),
        ("d.ts", "openvino"),
    ],
)
def test_a_models_file_gives_the_networks_vectors_on_every_engine_that_can_run_it(
    models: dict[str, Path], name: str, engine: str
) -> None:
    wanted = EngineOptions(engine, "cpu", "fp32", cache_folder=None)  # type: ignore[arg-type]
    embedder = load_embedder("file", str(models[name]), options=wanted)
    assert (embedder.model_id, embedder.dimensions, embedder.side) == ("small", DIMENSIONS, SIDE)
    assert embedder.engine.startswith(f"{engine} fp32")
    pictures = radiographs(SIDE)
    assert min_cosine(embedder.embed(pictures), expected(pictures)) >= MIN_COSINE


def test_the_version_tells_the_files_bytes_the_side_and_the_normalisation(models: dict[str, Path]) -> None:
    file = models["a.onnx"]
    version = load_embedder("file", str(file), options=FP32).model_version
    assert version.startswith(f"{sha256_of(file)[:16]}-64px-p")
    code_version = code_version_of("file", str(file))
    metadata = file.with_suffix(".json")
    before = metadata.read_text()
    try:
        metadata.write_text(before.replace("0.25", "0.26"))
        changed = load_embedder("file", str(file), options=FP32).model_version
        assert changed != version
        assert changed.rpartition("-n")[0] == version.rpartition("-n")[0]
        assert code_version_of("file", str(file)) != code_version
    finally:
        metadata.write_text(before)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (None, "medsearch model describe a.onnx"),
        ({"sha256": "0" * 64}, "a.onnx is not the file that a.json describes"),
        ({"dimensions": 23}, "24 dimensions instead of 23"),
        ({"side": 8}, "a.json beside a.onnx is not a model's metadata: side: Input should be greater than or equal to 16"),
        ({"std": [0.2, 0, 0.2]}, "metadata: std.1: Input should be greater than 0"),
        ({"licence": ""}, "metadata: licence: "),
        ({"model_id": "a/b"}, "metadata: model_id: "),
        ({"colour": "red"}, "metadata: colour: Extra inputs are not permitted"),
    ],
)
def test_metadata_that_are_missing_or_wrong_are_refused_with_the_reason(
    models: dict[str, Path], tmp_path: Path, change: dict[str, object] | None, said: str
) -> None:
    file, metadata = tmp_path / "a.onnx", tmp_path / "a.json"
    file.write_bytes(models["a.onnx"].read_bytes())
    if change is not None:
        metadata.write_text(json.dumps(json.loads(models["a.onnx"].with_suffix(".json").read_text()) | change))
    with pytest.raises(ConfigurationError) as caught:
        load_embedder("file", str(file), options=FP32)
    assert said in str(caught.value)


def test_metadata_that_are_no_json_are_refused(models: dict[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "a.onnx"
    file.write_bytes(models["a.onnx"].read_bytes())
    file.with_suffix(".json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"a\.json beside a\.onnx is not a model's metadata: the file: Invalid JSON"):
        load_embedder("file", str(file), options=FP32)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ("imagenet", "MEDSEARCH_MODEL=file needs MEDSEARCH_WEIGHTS"),
        ("/no/such/model.onnx", "MEDSEARCH_WEIGHTS.*/no/such/model.onnx"),
    ],
)
def test_a_model_of_the_kind_file_needs_a_file(weights: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        load_embedder("file", weights)


@pytest.mark.parametrize("name", ["x.onnx", "x.pt2", "x.pt", "x.bin"])
def test_a_damaged_or_unknown_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not a model at all")
    with pytest.raises(ConfigurationError, match=rf"x\.{Path(name).suffix[1:]} is not"):
        described(tmp_path / name)


def test_a_program_exported_for_another_batch_is_refused_with_the_reason(tmp_path: Path) -> None:
    file = write_model(tmp_path / "fixed.pt2", batch=4)
    with pytest.raises(ConfigurationError, match=r"float32 \[1, 3, 64, 64\]"):
        described(file)


class Pair(torch.nn.Module):
    """Gives its features as well, as one exported for training does."""

    def __init__(self) -> None:
        super().__init__()
        self.network = small_network()

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        vectors = self.network(batch)
        return vectors, vectors + 1


class Named(Pair):
    """Gives its vectors by name."""

    def forward(self, batch: torch.Tensor) -> dict[str, torch.Tensor]:  # type: ignore[override]
        return {"vectors": self.network(batch)}


class Choosy(Pair):
    """Takes no batch of one."""

    def forward(self, batch: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        assert batch.shape[0] > 1, "two at least"
        return self.network(batch)


@pytest.mark.parametrize(
    ("name", "network", "said"),
    [
        ("m.pt", Pair(), "TypeError: it returns a tuple"),
        ("m.pt2", Pair(), "TypeError: it returns a tuple"),
        ("m.onnx", Pair(), "m.onnx has 2 outputs"),
        ("m.pt", Named(), "TypeError: it returns a dict"),
        ("m.pt2", Named(), "TypeError: it returns a dict"),
        (
            "m.pt",
            Choosy(),
            "float32 [1, 3, 64, 64]: Error: RuntimeError: AssertionError: two at least",
        ),
        ("m.pt", small_network().half(), ": RuntimeError: Input type (float) and bias type (c10::Half) should be the same"),
    ],
)
def test_a_model_that_gives_something_else_than_a_vector_is_refused(
    tmp_path: Path, name: str, network: torch.nn.Module, said: str
) -> None:
    file = write_model(tmp_path / name, network)
    with pytest.raises(ConfigurationError) as caught:
        described(file)
    assert said in str(caught.value)


@pytest.mark.parametrize("sizes", [(3, 128, 128), (64, 64, 3), (1, 64, 64), (3, 64, 0, 0)])
def test_an_onnx_model_that_declares_another_input_is_refused(
    models: dict[str, Path], tmp_path: Path, sizes: tuple[int, ...]
) -> None:
    model = onnx.load(models["a.onnx"])
    shape = model.graph.input[0].type.tensor_type.shape
    del shape.dim[1:]
    for size in sizes:
        shape.dim.add().dim_value = size
    file = tmp_path / "a.onnx"
    onnx.save_model(model, file)
    with pytest.raises(ConfigurationError, match=r"a\.onnx .*float32 \[n, 3, 64, 64\]"):
        described(file)


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ("openvino", "-- No conversion rule found for operations: elsewhere.Relu"),
        ("onnxruntime", "elsewhere:Relu(-1) is not a registered function/op"),
    ],
)
def test_an_engine_that_cannot_run_a_model_says_why_in_one_line_of_ours(
    models: dict[str, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str], engine: str, said: str
) -> None:
    model = onnx.load(models["a.onnx"])
    next(node for node in model.graph.node if node.op_type == "Relu").domain = "elsewhere"
    model.opset_import.append(onnx.helper.make_opsetid("elsewhere", 1))
    file = tmp_path / "a.onnx"
    onnx.save_model(model, file)
    described(file, dimensions=DIMENSIONS)
    with pytest.raises(ConfigurationError) as caught:
        load_embedder("file", str(file), options=EngineOptions(engine, "cpu", "fp32", cache_folder=None))  # type: ignore[arg-type]
    assert str(caught.value).endswith(said)
    assert capfd.readouterr() == ("", "")


def test_onnx_runtime_leaves_the_telling_of_a_fault_to_us(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * SIDE * SIDE, 2))
    file = write_model(tmp_path / "a.onnx", network, batch=1)
    model = onnx.load(file)
    sizes = next(node for node in model.graph.node if node.op_type == "Reshape").input[1]
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == sizes)
    tensor.CopyFrom(onnx.numpy_helper.from_array(np.array([1, 7]), sizes))
    onnx.save_model(model, file)
    described(file, dimensions=2)
    with pytest.raises(ConfigurationError, match=r"onnxruntime fp32: .*cannot be reshaped"):
        load_embedder("file", str(file), options=EngineOptions("onnxruntime", "cpu", "fp32", cache_folder=None))
    assert capfd.readouterr() == ("", "")


def test_torchscript_is_read_without_a_warning(models: dict[str, Path]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        graph_of(models["c.pt"], WANTED)


def test_an_onnx_model_that_leaves_its_side_open_is_taken(models: dict[str, Path], tmp_path: Path) -> None:
    model = onnx.load(models["a.onnx"])
    for dimension, name in zip(model.graph.input[0].type.tensor_type.shape.dim[1:], "chw", strict=True):
        dimension.dim_param = name
    file = tmp_path / "a.onnx"
    onnx.save_model(model, file)
    assert described(file).dimensions == DIMENSIONS


@pytest.mark.parametrize("name", ["a.onnx", "b.pt2", "c.pt"])
def test_a_file_cut_anywhere_is_refused_by_name(models: dict[str, Path], tmp_path: Path, name: str) -> None:
    data = models[name].read_bytes()
    file = tmp_path / name
    for size in range(0, len(data), len(data) // 40):
        file.write_bytes(data[:size])
        with pytest.raises(ConfigurationError, match=name):
            described(file)


@pytest.mark.parametrize("is_zip", [False, True])
def test_a_state_dict_cut_anywhere_is_refused_by_name(tmp_path: Path, is_zip: bool) -> None:
    file = tmp_path / "w.pth"
    torch.save(small_network().state_dict(), file, _use_new_zipfile_serialization=is_zip)
    data = file.read_bytes()
    for size in range(0, len(data), len(data) // 200):
        file.write_bytes(data[:size])
        with pytest.raises(ConfigurationError, match=r"w\.pth cannot be loaded safely"):
            state_from_file(str(file))


def test_a_state_dict_whose_keys_are_no_names_is_refused(tmp_path: Path) -> None:
    torch.save({0: torch.zeros(1)}, tmp_path / "w.pth")
    with pytest.raises(ConfigurationError, match=r"w\.pth is not a state dict"):
        load_embedder("efficientnet_lite0", str(tmp_path / "w.pth"))


@pytest.mark.parametrize("model", ["file", "efficientnet_lite0"])
def test_a_name_that_is_too_long_names_no_file(model: str) -> None:
    with pytest.raises(ConfigurationError, match="MEDSEARCH_WEIGHTS"):
        load_embedder(model, f"/{'a' * 300}.onnx")
    with pytest.raises(ConfigurationError, match="there is no file"):
        described(Path(f"/{'a' * 300}.onnx"))


def test_metadata_that_cannot_be_written_are_told_in_one_line(models: dict[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "a.onnx"
    file.write_bytes(models["a.onnx"].read_bytes())
    file.with_suffix(".json").mkdir()
    with pytest.raises(ConfigurationError, match=r"^a\.json cannot be written beside a\.onnx: Is a directory$"):
        described(file)


def test_an_onnx_model_with_tensors_elsewhere_is_refused(models: dict[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "a.onnx"
    model = onnx.load(models["a.onnx"])
    onnx.save_model(model, file, save_as_external_data=True, location="a.data", size_threshold=0)
    with pytest.raises(ConfigurationError, match=r"a\.onnx keeps tensors in other files, which its SHA-256 does not cover"):
        described(file)


def test_the_command_writes_what_the_model_needs(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.onnx"
    file.write_bytes(models["a.onnx"].read_bytes())
    given = ["model", "describe", str(file), "--id", "small", "--licence", "Apache-2.0", "--side", "64"]
    assert main([*given, "--mean", *map(str, MEAN), "--std", *map(str, STD)]) == 0
    assert "24 dimensions from 64 pixels" in capsys.readouterr().out
    assert metadata_of(file) == metadata_of(models["a.onnx"])
    assert main([*given, "--std", "0", "1", "1"]) == 1
    assert "medsearch: std.0: Input should be greater than 0" in capsys.readouterr().err
    assert main([*given, "--dimensions", "0"]) == 1
    assert "medsearch: dimensions: Input should be greater than or equal to 1" in capsys.readouterr().err


def test_weights_of_an_architecture_may_have_metadata_too(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    save_file(random_state(densenet121.Features), file)
    plain = densenet121.load("", str(file))
    assert (plain.model_id, plain.input.side) == ("densenet121-file", 512)
    described(file, dimensions=1024)
    network = densenet121.load("", str(file))
    assert (network.model_id, network.input.side, network.input.mean, network.dimensions) == ("small", SIDE, MEAN, 1024)
    assert network.digest == plain.digest
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(ConfigurationError, match=r"is not the file that w\.json describes|is not a safetensors file"):
        densenet121.load("", str(file))
