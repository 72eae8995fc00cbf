"""torch as an engine: one path for CPU and GPU. Bytes go to the device, which normalizes them."""

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
    """The buffers of one batch: pinned memory, its copy on the device, and the event of that copy."""

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
        at_once: images per batch. Batches are always padded to this size with black images: kernels are chosen by the batch's
            shape, and another choice changes the last bits of every vector.
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
        """The best number of images per call."""
        return self.at_once

    def start(self, pictures: np.ndarray) -> Result:
        """Copies the images to the device; if its memory is too small, halves the batch size from then on."""
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
        """Compiles kernels for this network and batch size, at the first batch. Takes minutes and needs a C++ compiler.

        Weights become constants, so that normalizations are folded into convolutions; on a GPU the kernels are launched as one
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
                f"the memory of {self.device} is too small for one image of {self.side} x {self.side} pixels with this model: "
                "stop other programs that use it, or choose a smaller model"
            ) from error
        self._module.synchronize()
        self._free.clear()
        self.at_once //= 2
        if self.device.type != "cpu":
            self._module.empty_cache()
        log.warning("the memory of %s is too small for the batch: reducing the batch to %d images", self.device, self.at_once)
