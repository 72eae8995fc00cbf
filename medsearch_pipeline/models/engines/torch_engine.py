"""torch as an engine: one path for processor and GPU. Bytes go to the device, which normalises them itself."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.engines.engine import Result

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Slot:
    """What one batch travels in: memory the device copies from by itself, its place on the device, and when that was done."""

    host: torch.Tensor
    device: torch.Tensor
    copied: Any
    done: Any


class TorchEngine:
    """A torch network, without gradients, channels last, in fp32 or under autocast in bf16.

    Args:
        graph: uint8 `[n, side, side, 3]` to `[n, dimensions]`.
        side: of the square input in pixels.
        device: cpu, cuda or cuda:N.
        precision: fp32 or bf16.
        at_once: pictures the network sees at once. Always that many, the rest black: kernels are chosen by the batch's shape,
            and another choice changes the last bits of every vector.
    """

    def __init__(self, graph: nn.Module, side: int, device: str, precision: str, at_once: int) -> None:
        self.name = f"torch {precision}, {device}"
        self.at_once, self.side = at_once, side
        self.device = torch.device(device)
        self._graph: Any = graph.to(self.device).to(memory_format=torch.channels_last)
        self._precision = precision
        self._free: list[Slot] = []
        self._module: Any = torch.get_device_module(self.device)
        streams = {} if self.device.type == "cpu" else {"device": self.device}
        self._copying, self._computing = self._module.Stream(**streams), self._module.Stream(**streams)

    @property
    def batch_size(self) -> int:
        """Pictures worth handing over at once."""
        return self.at_once

    def start(self, pictures: np.ndarray) -> Result:
        """Puts every picture to the device; where its memory does not hold so many at once, half as many from then on."""
        started: list[Result] = []
        at = 0
        while at < len(pictures):
            chunk = pictures[at : at + self.at_once]
            try:
                started.append(self._launch(chunk))
            except torch.OutOfMemoryError as error:
                self._halve(error)
            else:
                at += len(chunk)
        return lambda: np.concatenate([result() for result in started])

    def compile(self) -> None:
        """Has torch write kernels for this network and this batch, at the first batch: minutes, and a C++ compiler is needed.

        Weights become constants, so that normalisations are folded into convolutions; on a GPU the kernels are launched as one
        CUDA graph.
        """
        options: dict[str, Any] = {"freezing": True, "triton.cudagraphs": self.device.type == "cuda"}
        self._graph = torch.compile(self._graph, dynamic=False, options=options)
        self.name = self.name.replace("torch", "torch-compiled")

    def run(self, pictures: np.ndarray) -> np.ndarray:
        """`start`, and its result."""
        return self.start(pictures)()

    def _launch(self, pictures: np.ndarray) -> Result:
        slot, n = self._free.pop() if self._free else self._slot(), len(pictures)
        host = slot.host.numpy()
        host[:n], host[n:] = pictures, 0
        with self._module.stream(self._copying):
            slot.device.copy_(slot.host, non_blocking=True)
            slot.copied.record()
        autocast = torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self._precision == "bf16")
        with self._module.stream(self._computing), torch.inference_mode(), autocast:
            self._computing.wait_event(slot.copied)
            vectors = self._graph(slot.device).float().to("cpu", non_blocking=True)
            slot.done.record()

        def result() -> np.ndarray:
            slot.done.synchronize()
            if len(slot.host) == self.at_once:
                self._free.append(slot)
            return vectors.numpy()[:n].copy()

        return result

    def _slot(self) -> Slot:
        shape = (self.at_once, self.side, self.side, 3)
        host = torch.empty(shape, dtype=torch.uint8, pin_memory=self.device.type != "cpu")
        place = torch.empty(shape, dtype=torch.uint8, device=self.device)
        return Slot(host, place, self._module.Event(), self._module.Event())

    def _halve(self, error: torch.OutOfMemoryError) -> None:
        if self.at_once == 1:
            raise ConfigurationError(
                f"the memory of {self.device} does not hold one picture of {self.side} pixels a side with this model: "
                "end what else uses it, or choose a smaller model"
            ) from error
        self._module.synchronize()
        self._free.clear()
        self.at_once //= 2
        if self.device.type != "cpu":
            self._module.empty_cache()
        log.warning("the memory of %s is too small for the batch: %d pictures at once from here on", self.device, self.at_once)
