"""`Attempt`: opens a network on one engine, and checks its vectors against those of eager fp32."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.engines.cache import cached_graph
from medsearch_pipeline.models.engines.choice import OF_TORCH, EnginePlan
from medsearch_pipeline.models.engines.cuda import batch_for, bytes_per_picture, set_flags
from medsearch_pipeline.models.engines.engine import Engine, InThread
from medsearch_pipeline.models.engines.probe import find_problem, min_cosine, reference_vectors, synthetic_images
from medsearch_pipeline.models.engines.torch_engine import TorchEngine
from medsearch_pipeline.models.network import Network

BATCH_ON_CPU, FIRST_BATCH_ON_GPU = 8, 8
AROUND = re.compile(
    r"The following operation failed in the TorchScript|Exception from |Check '|FrontEnd API failed|-- Conversion is failed|"
    r"Summary:|To facilitate "
)
"""Lines of TorchScript's and OpenVINO's errors that do not state the cause."""


@dataclass(frozen=True, eq=False)
class Tried:
    """The result of a try.

    Args:
        engine: None if it could not be opened.
        dimensions: length of its vectors.
        cosine: the lowest to the vectors of eager fp32; None if they cannot be compared.
        problem: why it must not be used, if so.
    """

    engine: Engine | None
    dimensions: int = 0
    cosine: float | None = None
    problem: str | None = None


class Attempt:
    """Tries engines on one network; a converted graph is reused for the engine's other precision."""

    def __init__(self, network: Network, threads: int, batch_size: int, cache_folder: Path | None) -> None:
        self._network, self._threads, self._batch_size, self._kept = network, threads, batch_size, cache_folder
        self.model_id = network.model_id
        self.pictures = synthetic_images(network.input.side)
        self._converted: dict[str, Any] = {}
        self._expected = None if isinstance(network.graph, bytes) else self._eager(network.graph)

    def at(self, plan: EnginePlan) -> Tried:
        """The network on an engine, or the reason why not."""
        try:
            if self._expected is None:
                self._expected = self._run(replace(plan, precision="fp32"))[1]
            engine, vectors = self._run(plan)
        except Exception as error:  # noqa: BLE001 - whatever a library raises, other engines may be able
            return Tried(None, problem=str(error) if isinstance(error, ConfigurationError) else reason_of(error))
        problem = find_problem(vectors, self._expected, self._network.dimensions)
        is_comparable = vectors.shape == self._expected.shape and bool(np.isfinite(vectors).all())
        cosine = min_cosine(vectors, self._expected) if is_comparable else None
        return Tried(engine, vectors.shape[-1], cosine, problem)

    def _run(self, plan: EnginePlan) -> tuple[Engine, np.ndarray]:
        engine = self._open(plan)
        return engine, engine.start(self.pictures)()

    def _open(self, plan: EnginePlan) -> Engine:
        if plan.engine in OF_TORCH and isinstance(self._network.graph, nn.Module):
            return self._torch(plan, self._network.graph)
        if plan.engine == "openvino":
            from medsearch_pipeline.models.engines import openvino_engine as openvino  # only the requested engine is imported

            parallel = openvino.OpenvinoEngine(self._graph_by(openvino, plan.engine), plan.precision, self._threads)
            return InThread(parallel, self._batch_size or max(BATCH_ON_CPU, parallel.requests))
        from medsearch_pipeline.models.engines import onnxruntime_engine as onnxruntime

        runner = onnxruntime.OnnxruntimeEngine(self._graph_by(onnxruntime, plan.engine), self._threads)
        return InThread(runner, self._batch_size or BATCH_ON_CPU)

    def _torch(self, plan: EnginePlan, graph: nn.Module) -> Engine:
        side = self._network.input.side
        if plan.device == "cpu":
            runner = TorchEngine(graph, side, plan.device, plan.precision, at_once=1)
            self._compile_if_asked(plan, runner)
            return InThread(runner, self._batch_size or BATCH_ON_CPU)
        set_flags()
        engine = TorchEngine(graph, side, plan.device, plan.precision, self._batch_size or FIRST_BATCH_ON_GPU)
        if not self._batch_size:
            needed = bytes_per_picture(engine)
            engine.at_once = batch_for(torch.cuda.mem_get_info(engine.device)[0], needed)
        self._compile_if_asked(plan, engine)
        return engine

    def _compile_if_asked(self, plan: EnginePlan, engine: TorchEngine) -> None:
        if plan.engine != "torch-compiled":
            return
        if self._kept:
            os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(self._kept.expanduser() / "torch-compiled"))
        engine.compile()

    def _graph_by(self, module: Any, engine: str) -> Any:
        """The network's graph as converted by an engine's module, now or earlier."""
        if engine not in self._converted:
            self._converted[engine] = cached_graph(
                self._kept, self._network, engine, module.converted, module.write, module.read
            )
        return self._converted[engine]

    def _eager(self, graph: nn.Module) -> np.ndarray:
        try:
            return reference_vectors(graph, self.pictures)
        except Exception as error:  # whatever the model raises
            side = self._network.input.side
            raise ConfigurationError(
                f"{self._network.model_id} returns no vector for one image, float32 [1, 3, {side}, {side}]: {reason_of(error)}"
            ) from error


def reason_of(error: Exception) -> str:
    """An error's type and its most informative line: the first, or the last if the first ones only give the location."""
    name, lines = type(error).__name__, [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and AROUND.match(lines[0]):
        lines = [line for line in lines if not AROUND.match(line)][-1:]
    return f"{name}: {''.join(lines[:1]).removeprefix(f'{name}: ')[:600]}"
