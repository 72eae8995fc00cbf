"""ONNX Runtime as a CPU engine: each image independently, in fp32."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch

from medsearch_pipeline.models.network import Network


def converted(network: Network) -> bytes:
    """The network as an ONNX model, for uint8 `[1, side, side, 3]`."""
    if isinstance(network.graph, bytes):
        return network.graph
    example = torch.zeros((1, network.input.side, network.input.side, 3), dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported = torch.export.export(network.graph, (example,), strict=False)
        program = torch.onnx.export(exported, (), dynamo=True, optimize=False, verbose=False)  # ONNX Runtime optimizes itself
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    serialized: bytes = program.model_proto.SerializeToString()
    return serialized


def write(model: bytes, folder: Path) -> None:
    """Writes a converted graph."""
    (folder / "model.onnx").write_bytes(model)


def read(folder: Path) -> bytes:
    """Reads a cached graph."""
    return (folder / "model.onnx").read_bytes()


class OnnxruntimeEngine:
    """A session.

    Args:
        model: the result of `converted`.
        threads: number of compute threads.
    """

    def __init__(self, model: bytes, threads: int) -> None:
        self.name = f"onnxruntime fp32, {threads} thread{'s' if threads > 1 else ''}"
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4  # errors are raised as well
        self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def run(self, pictures: np.ndarray) -> np.ndarray:
        """uint8 `[n, side, side, 3]` to float32 `[n, dimensions]`."""
        vectors = [self._session.run(None, {self._input: pictures[at : at + 1]})[0] for at in range(len(pictures))]
        return np.concatenate(vectors)
