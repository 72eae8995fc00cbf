"""OpenVINO as a CPU engine: each image independently, with as many parallel requests as OpenVINO recommends."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import torch
from openvino.preprocess import PrePostProcessor

from medsearch_pipeline.models.metadata import Input
from medsearch_pipeline.models.network import Network


def converted(network: Network) -> ov.Model:
    """The network as OpenVINO's own graph, for one image of uint8 `[1, side, side, 3]`."""
    side = network.input.side
    if isinstance(network.graph, bytes):
        model = ov.Core().read_model(BytesIO(network.graph))
        model.reshape([1, side, side, 3])
        return model
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if network.kind == "torchscript":
            model = ov.convert_model(network.graph.features, input=([1, 3, side, side], ov.Type.f32))
            return _from_pixels(model, network.input)
        example = torch.zeros((1, side, side, 3), dtype=torch.uint8)
        return ov.convert_model(torch.export.export(network.graph, (example,), strict=False))


def write(model: ov.Model, folder: Path) -> None:
    """Writes a converted graph, in full precision."""
    ov.save_model(model, folder / "model.xml", compress_to_fp16=False)


def read(folder: Path) -> ov.Model:
    """Reads a cached graph."""
    return ov.Core().read_model(folder / "model.xml")


class OpenvinoEngine:
    """A compiled graph.

    Args:
        model: the result of `converted`.
        precision: fp32 or bf16.
        threads: number of compute threads.
    """

    def __init__(self, model: ov.Model, precision: str, threads: int) -> None:
        self.name = f"openvino {precision}, {threads} thread{'s' if threads > 1 else ''}"
        hints = {
            "INFERENCE_PRECISION_HINT": "f32" if precision == "fp32" else precision,
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "THROUGHPUT",
        }
        compiled = ov.Core().compile_model(model, "CPU", hints)
        self._queue = ov.AsyncInferQueue(compiled)
        self._queue.set_callback(_keep)
        self.requests = len(self._queue)
        """Images at once: what OpenVINO recommends for these threads."""

    def run(self, pictures: np.ndarray) -> np.ndarray:
        """uint8 `[n, side, side, 3]` to float32 `[n, dimensions]`."""
        vectors: list[Any] = [None] * len(pictures)
        for at in range(len(pictures)):
            self._queue.start_async({0: pictures[at : at + 1]}, (vectors, at))
        self._queue.wait_all()
        return np.concatenate(vectors)


def _keep(request: ov.InferRequest, place: tuple[list[Any], int]) -> None:
    vectors, at = place
    vectors[at] = request.get_output_tensor(0).data.copy()


def _from_pixels(model: ov.Model, model_input: Input) -> ov.Model:
    processor = PrePostProcessor(model)
    processor.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    processor.input().model().set_layout(ov.Layout("NCHW"))
    steps = processor.input().preprocess().convert_element_type(ov.Type.f32)
    steps.mean([255 * mean for mean in model_input.mean]).scale([255 * std for std in model_input.std])
    return processor.build()
