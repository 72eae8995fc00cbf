"""Whatever a file of weights or of a model holds, no code of it is ever run."""

from __future__ import annotations

import io
import json
import pickle
import re
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from torch.export.pt2_archive._package import load_pt2

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.families.model_file import graph_of
from medsearch_pipeline.models.files.archive import members_of
from medsearch_pipeline.models.registry import load_embedder
from tests.pipeline.models.small_models import SIDE, WANTED, write_model


class Evil:
    """Touches a file when it is unpickled."""

    def __init__(self, touched: Path) -> None:
        self.touched = touched

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return (Path.touch, (self.touched,))


@pytest.fixture
def touched(tmp_path: Path) -> Path:
    return tmp_path / "touched"


def pickled(touched: Path) -> bytes:
    """A file of torch's that unpickles to the touching of a file."""
    buffer = io.BytesIO()
    torch.save({"a": Evil(touched)}, buffer)
    return buffer.getvalue()


def rewritten(data: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """An archive of torch's with other members, written by torch's own writer."""
    members = members_of(data)
    change(members)
    buffer = io.BytesIO()
    writer = torch._C.PyTorchFileWriter(buffer)
    for name, content in members.items():
        if not name.startswith(".data/") and name not in ("version", "byteorder"):
            writer.write_record(name, content, len(content))
    writer.write_end_of_file()
    return buffer.getvalue()


@pytest.mark.parametrize("write", ["pickle", "saved", "module"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_state_dict_with_code_in_it_is_refused(tmp_path: Path, touched: Path, write: str, suffix: str) -> None:
    file = tmp_path / f"model{suffix}"
    if write == "pickle":
        file.write_bytes(pickle.dumps(Evil(touched)))
    elif write == "saved":
        file.write_bytes(pickled(touched))
    else:
        torch.save(torch.nn.Linear(2, 2), file)
    with pytest.raises(ConfigurationError, match=r"never run|is not a safetensors file"):
        load_embedder("densenet121", str(file))
    assert not touched.exists()


@pytest.mark.parametrize("suffix", [".onnx", ".pt2", ".pt", ".ts"])
@pytest.mark.parametrize("bare", [True, False])
def test_a_pickle_is_no_model_whatever_its_name(tmp_path: Path, touched: Path, suffix: str, bare: bool) -> None:
    file = tmp_path / f"model{suffix}"
    file.write_bytes(pickle.dumps(Evil(touched)) if bare else pickled(touched))
    with pytest.raises(ConfigurationError, match="is not"):
        graph_of(file, WANTED)
    assert not touched.exists()


def with_pickled_weight(members: dict[str, bytes], evil: bytes) -> None:
    name = "data/weights/model_weights_config.json"
    told = json.loads(members[name])
    next(iter(told["config"].values()))["use_pickle"] = True
    members[name] = json.dumps(told).encode()
    members["data/weights/weight_0"] = evil


def with_pickled_example(members: dict[str, bytes], evil: bytes) -> None:
    members["data/sample_inputs/model.pt"] = evil


def with_opaque_constant(members: dict[str, bytes], evil: bytes) -> None:
    entry = {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True, "tensor_meta": None}
    members["data/constants/model_constants_config.json"] = json.dumps({"config": {"c": entry}}).encode()
    members["data/constants/opaque_obj_0"] = evil


def with_old_weights(members: dict[str, bytes], evil: bytes) -> None:
    members["data/weights/model.pt"] = evil


def with_compiled_code(members: dict[str, bytes], evil: bytes) -> None:
    members["data/aotinductor/model/x.wrapper.so"] = evil


def with_another_operator(members: dict[str, bytes], evil: bytes) -> None:
    members["models/model.json"] = members["models/model.json"].replace(
        b"torch.ops.aten.relu.default", b"torch.hub.os.system", 1
    )


def with_a_mapped_file(members: dict[str, bytes], evil: bytes) -> None:
    text = members["models/model.json"]
    members["models/model.json"] = text.replace(b"torch.ops.aten.relu.default", b"torch.ops.aten.from_file.default", 1)


def with_a_shape_that_is_code(members: dict[str, bytes], evil: bytes) -> None:
    text = members["models/model.json"].decode()
    found = re.search(r'"expr_str": "([^"]*)"', text)
    assert found
    members["models/model.json"] = text.replace(found[1], "__import__('os').getpid()").encode()


def with_another_container(members: dict[str, bytes], evil: bytes) -> None:
    members["models/model.json"] = members["models/model.json"].replace(b"builtins.tuple", b"collections.defaultdict")


EVILS = [
    (with_pickled_weight, "a pickle for"),
    (with_pickled_example, "a pickle with code as its example inputs"),
    (with_opaque_constant, "opaque_obj_0"),
    (with_old_weights, "a member called data/weights/model.pt"),
    (with_compiled_code, "a member called data/aotinductor/model/x.wrapper.so"),
    (with_another_operator, "the operator torch.hub.os.system"),
    (with_a_mapped_file, "the operator torch.ops.aten.from_file.default"),
    (with_a_shape_that_is_code, r"the shape __import__"),
    (with_another_container, "the container collections.defaultdict"),
]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_model(tmp_path_factory.mktemp("exported") / "model.pt2").read_bytes()


@pytest.mark.parametrize(("change", "said"), EVILS)
def test_an_exported_program_with_anything_torch_would_run_is_refused(
    exported: bytes, tmp_path: Path, touched: Path, change: Callable[[dict[str, bytes], bytes], None], said: str
) -> None:
    file = tmp_path / "model.pt2"
    file.write_bytes(rewritten(exported, lambda members: change(members, pickled(touched))))
    with pytest.raises(ConfigurationError, match=rf"model\.pt2 is refused.*{said}"):
        graph_of(file, WANTED)
    assert not touched.exists()


@pytest.mark.parametrize("change", [with_pickled_weight, with_pickled_example])
def test_which_torch_itself_would_have_run(exported: bytes, touched: Path, change: Callable[..., None]) -> None:
    data = rewritten(exported, lambda members: change(members, pickled(touched)))
    with suppress(Exception):  # that it runs the code is the point, not how it ends
        load_pt2(io.BytesIO(data))
    assert touched.exists()


def test_an_archive_that_is_rewritten_unchanged_is_read(exported: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.pt2"
    file.write_bytes(rewritten(exported, lambda members: None))
    graph = graph_of(file, WANTED)
    assert not isinstance(graph, bytes)
    assert graph(torch.zeros(1, SIDE, SIDE, 3, dtype=torch.uint8)).shape == (1, 24)


def test_a_pickle_inside_torchscript_is_refused_and_inert(tmp_path: Path, touched: Path) -> None:
    evil = members_of(pickled(touched))["data.pkl"]
    file = write_model(tmp_path / "model.pt")
    for member in ("data.pkl", "constants.pkl"):

        def change(members: dict[str, bytes], member: str = member) -> None:
            members[member] = evil

        file.write_bytes(rewritten(write_model(tmp_path / "plain.pt").read_bytes(), change))
        with pytest.raises(ConfigurationError, match=r"model\.pt is not TorchScript, or damaged"):
            graph_of(file, WANTED)
        assert not touched.exists()


class Writing(torch.nn.Module):
    """A model whose TorchScript writes a file."""

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        torch.save(batch, "medsearch-evil")
        return batch.flatten(1)


class Mapping(torch.nn.Module):
    """A model whose TorchScript maps a file."""

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return batch.flatten(1) + torch.from_file("medsearch-evil", False, 1)


@pytest.mark.parametrize(("network", "said"), [(Writing(), "save"), (Mapping(), "from_file")])
def test_torchscript_that_reaches_for_files_is_refused(tmp_path: Path, network: torch.nn.Module, said: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(network), tmp_path / "model.ts")
    with pytest.raises(ConfigurationError, match=f"model.ts is refused: its code calls {said}"):
        graph_of(tmp_path / "model.ts", WANTED)
