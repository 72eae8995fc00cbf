"""Opens the engine chosen by settings and machine, and refuses one whose vectors differ from the network's."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from medsearch_core.errors import ConfigurationError
from medsearch_core.machine.cpus import available_cpus
from medsearch_pipeline.models.engines.cache import cached_graph
from medsearch_pipeline.models.engines.choice import OF_TORCH, EngineOptions, EnginePlan, plans_of
from medsearch_pipeline.models.engines.cuda import batch_for, bytes_per_picture, set_flags
from medsearch_pipeline.models.engines.engine import Engine, InThread, Runner
from medsearch_pipeline.models.engines.machine import detect_capabilities
from medsearch_pipeline.models.engines.probe import find_problem, reference_vectors, synthetic_images
from medsearch_pipeline.models.engines.torch_engine import TorchEngine
from medsearch_pipeline.models.network import Network

log = logging.getLogger(__name__)
BATCH_ON_CPU, FIRST_BATCH_ON_GPU = 8, 8
AROUND = re.compile(
    r"The following operation failed in the TorchScript|Exception from |Check '|FrontEnd API failed|-- Conversion is failed|"
    r"Summary:|To facilitate "
)
"""Lines of TorchScript's and OpenVINO's errors that do not state the cause."""


def open_engine(network: Network, batch_size: int, options: EngineOptions) -> tuple[Engine, int]:
    """The first planned engine that runs the network exactly, and the dimensions of its vectors.

    Args:
        batch_size: images per batch; 0 chooses the best size.

    Raises:
        ConfigurationError: there is none. The message gives the reason for each engine.
    """
    threads = options.threads or available_cpus()
    torch.set_num_threads(threads)
    faults = []
    attempt = Attempt(network, threads, batch_size, options.cache_folder)
    for plan in plans_of(options, network.kind, detect_capabilities()):
        try:
            engine, fault, dimensions = attempt.at(plan)
        except UnableError as error:
            fault = str(error)
        if fault is None:
            return engine, dimensions
        faults.append(f"{plan.engine} {plan.precision}: {fault}")
        log.info("%s is not run by %s", network.model_id, faults[-1])
    raise ConfigurationError(f"no engine runs {network.model_id}. " + ". ".join(faults))


class UnableError(Exception):
    """An engine cannot run the network."""


class Attempt:
    """Tries engines on one network; a converted graph is reused for the engine's other precision."""

    def __init__(self, network: Network, threads: int, batch_size: int, cache_folder: Path | None) -> None:
        self._network, self._threads, self._batch_size, self._kept = network, threads, batch_size, cache_folder
        self._pictures = synthetic_images(network.input.side)
        self._converted: dict[str, Any] = {}
        self._expected = None if isinstance(network.graph, bytes) else self._eager(network.graph)

    def at(self, plan: EnginePlan) -> tuple[Engine, str | None, int]:
        """The engine, its problem if any, and the dimensions of its vectors.

        Raises:
            UnableError: the engine cannot run the network.
        """
        if self._expected is None:
            self._expected = self._try(replace(plan, precision="fp32"))[1]
        engine, vectors = self._try(plan)
        return engine, find_problem(vectors, self._expected, self._network.dimensions), vectors.shape[-1]

    def _try(self, plan: EnginePlan) -> tuple[Engine, np.ndarray]:
        try:
            engine = self._open(plan)
            return engine, engine.start(self._pictures)()
        except ConfigurationError:
            raise
        except Exception as error:
            raise UnableError(_reason(error)) from error

    def _open(self, plan: EnginePlan) -> Engine:
        if plan.engine in OF_TORCH and isinstance(self._network.graph, nn.Module):
            return self._torch(plan, self._network.graph)
        runner: Runner
        if plan.engine == "openvino":
            from medsearch_pipeline.models.engines import openvino_engine as openvino  # only the requested engine is imported

            runner = openvino.OpenvinoEngine(self._graph_by(openvino, plan.engine), plan.precision, self._threads)
        else:
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
            return reference_vectors(graph, self._pictures)
        except Exception as error:  # whatever the model raises
            side = self._network.input.side
            raise ConfigurationError(
                f"{self._network.model_id} returns no vector for one image, float32 [1, 3, {side}, {side}]: {_reason(error)}"
            ) from error


def _reason(error: Exception) -> str:
    """An error's type and its most informative line: the first, or the last if the first ones only give the location."""
    name, lines = type(error).__name__, [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and AROUND.match(lines[0]):
        lines = [line for line in lines if not AROUND.match(line)][-1:]
    return f"{name}: {''.join(lines[:1]).removeprefix(f'{name}: ')[:600]}"
