"""Which engines and precisions can run a model, given the settings and the machine. Does not import torch.

Which of them runs it is decided by measuring (`measurements`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from medsearch_core.errors import ConfigurationError

EngineName = Literal["auto", "torch", "torch-compiled", "openvino", "onnxruntime"]
PrecisionName = Literal["auto", "fp32", "bf16"]
Precision = Literal["fp32", "bf16"]
RUNS = {
    "torch": ("torch", "torchscript"),
    "torch-compiled": ("torch",),
    "openvino": ("torch", "torchscript", "onnx"),
    "onnxruntime": ("torch", "onnx"),
}
"""Engine → the kinds of graph it can run."""
MEASURED = ("openvino", "torch", "onnxruntime")
"""On a CPU, what `auto` measures; of equally fast ones the first is used. Compiling takes minutes: only on request."""
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")
OF_TORCH = ("torch", "torch-compiled")


@dataclass(frozen=True)
class EngineOptions:
    """The engine settings.

    Args:
        device: auto, cpu, cuda or cuda:N.
        threads: of the model on a CPU; 0 means as many as the process may use.
        cache_folder: the folder of converted graphs; None for no cache.
    """

    engine: EngineName = "auto"
    device: str = "auto"
    precision: PrecisionName = "auto"
    threads: int = 0
    cache_folder: Path | None = Path("~/.cache/medsearch/models")


@dataclass(frozen=True)
class MachineCapabilities:
    """The machine's capabilities.

    Args:
        installed: engines that can be imported.
        cpu_bf16: the CPU claims to multiply bf16 in hardware; otherwise bf16 is slower than fp32 and is not measured.
        cuda_devices: number of GPUs that torch can use.
        cuda_bf16: the GPUs claim to multiply bf16 in hardware.
    """

    installed: frozenset[str]
    cpu_bf16: bool
    cuda_devices: int
    cuda_bf16: bool


@dataclass(frozen=True)
class EnginePlan:
    """One way to run a network."""

    engine: str
    device: str
    precision: Precision

    def __str__(self) -> str:
        """As people read it: `openvino bf16`."""
        return f"{self.engine} {self.precision}"


def plans_of(options: EngineOptions, kind: str, machine: MachineCapabilities) -> list[EnginePlan]:
    """The ways to run a graph of a kind; of equally fast ones, an earlier one is preferred.

    Raises:
        ConfigurationError: there is none.
    """
    device = _device(options, kind, machine)
    has_bf16 = machine.cuda_bf16 if device.startswith("cuda") else machine.cpu_bf16
    plans = [
        EnginePlan(engine, device, precision)
        for precision in PRECISIONS
        for engine in _engines(options.engine, device, kind, machine)
        if _is_possible(options.precision, precision, engine, has_bf16)
    ]
    if not plans:
        raise ConfigurationError("ONNX Runtime runs these models only in fp32: set MEDSEARCH_PRECISION=fp32 or auto")
    return plans


def _device(options: EngineOptions, kind: str, machine: MachineCapabilities) -> str:
    on_gpu = options.engine in ("auto", *OF_TORCH) and kind in RUNS["torch"]
    if options.device == "auto":
        return "cuda" if machine.cuda_devices and on_gpu else "cpu"
    if options.device == "cpu":
        return "cpu"
    number = re.fullmatch(r"cuda(?::(\d+))?", options.device)
    if not number:
        raise ConfigurationError(f"MEDSEARCH_DEVICE={options.device} is not a device: set it to auto, cpu, cuda or cuda:N")
    if int(number[1] or 0) >= machine.cuda_devices:
        raise ConfigurationError(
            f"MEDSEARCH_DEVICE={options.device}, but torch finds {machine.cuda_devices} CUDA devices here. "
            "Give the process the GPU (and a torch built for CUDA), or set MEDSEARCH_DEVICE=cpu"
        )
    if not on_gpu:
        what = "an ONNX file" if options.engine in ("auto", *OF_TORCH) else options.engine
        raise ConfigurationError(
            f"{what} runs only on the CPU: set MEDSEARCH_DEVICE=cpu, or configure a model that torch can run"
        )
    return options.device


def _engines(engine: str, device: str, kind: str, machine: MachineCapabilities) -> list[str]:
    if engine == "auto" and device.startswith("cuda"):
        return ["torch"]
    if engine == "auto":
        found = [engine for engine in MEASURED if engine in machine.installed and kind in RUNS[engine]]
        if not found:
            raise ConfigurationError(
                "an ONNX file needs OpenVINO or ONNX Runtime: pip install 'medsearch[openvino,onnxruntime]'"
            )
        return found
    if kind not in RUNS[engine]:
        able = ", ".join(engine for engine in RUNS if kind in RUNS[engine])
        raise ConfigurationError(
            f"MEDSEARCH_ENGINE={engine} cannot run a model of the kind {kind}: set it to auto or one of {able}"
        )
    if engine not in machine.installed:
        raise ConfigurationError(f"MEDSEARCH_ENGINE={engine} is not installed: pip install 'medsearch[{engine}]', or set auto")
    return [engine]


def _is_possible(wanted: PrecisionName, precision: Precision, engine: str, has_bf16: bool) -> bool:
    if precision == "bf16" and (engine == "onnxruntime" or (wanted == "auto" and not has_bf16)):
        return False
    return wanted in ("auto", precision)
