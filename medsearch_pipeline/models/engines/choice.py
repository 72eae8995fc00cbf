"""Which engine, device and precision to try, in which order: decided from what is wanted and what is there. Free of torch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from medsearch_core.errors import ConfigurationError

EngineName = Literal["auto", "torch", "torch-compiled", "openvino", "onnxruntime"]
PrecisionName = Literal["auto", "fp32", "bf16"]
RUNS = {
    "torch": ("torch", "torchscript"),
    "torch-compiled": ("torch",),
    "openvino": ("torch", "torchscript", "onnx"),
    "onnxruntime": ("torch", "onnx"),
}
"""Engine → the kinds of graph it can run."""
ORDER = ("openvino", "torch", "onnxruntime")
"""On a processor, the fastest first, as benchmarks/engines.py measures. To compile takes minutes, and is done if asked for."""
OF_TORCH = ("torch", "torch-compiled")


@dataclass(frozen=True)
class Wanted:
    """What the settings ask for.

    Args:
        device: auto, cpu, cuda or cuda:N.
        threads: of the model, on a processor; 0 means as many as the process may use.
        kept: the folder that converted graphs are kept in; None keeps none.
    """

    engine: EngineName = "auto"
    device: str = "auto"
    precision: PrecisionName = "auto"
    threads: int = 0
    kept: Path | None = Path("~/.cache/medsearch/models")


@dataclass(frozen=True)
class Machine:
    """What is there.

    Args:
        installed: engines that can be imported.
        cpu_bf16: the processor multiplies bf16 in hardware; elsewhere it is slower than fp32.
        cuda_devices: GPUs that torch can use.
        cuda_bf16: they multiply bf16 in hardware.
    """

    installed: frozenset[str]
    cpu_bf16: bool
    cuda_devices: int
    cuda_bf16: bool


@dataclass(frozen=True)
class Plan:
    """One way to run a network."""

    engine: str
    device: str
    precision: Literal["fp32", "bf16"]


def plans_of(wanted: Wanted, kind: str, machine: Machine) -> list[Plan]:
    """The ways to run a graph of a kind, best first; those after the first are for when it fails or is not exact enough.

    Raises:
        ConfigurationError: there is none.
    """
    device = _device(wanted, kind, machine)
    fast = machine.cuda_bf16 if device.startswith("cuda") else machine.cpu_bf16
    plans = [
        Plan(engine, device, precision)
        for engine in _engines(wanted.engine, device, kind, machine)
        for precision in _precisions(wanted.precision, engine, fast)
    ]
    if not plans:
        raise ConfigurationError("ONNX Runtime runs these models in fp32 alone: set MEDSEARCH_PRECISION=fp32 or auto")
    return plans


def _device(wanted: Wanted, kind: str, machine: Machine) -> str:
    on_gpu = wanted.engine in ("auto", *OF_TORCH) and kind in RUNS["torch"]
    if wanted.device == "auto":
        return "cuda" if machine.cuda_devices and on_gpu else "cpu"
    if wanted.device == "cpu":
        return "cpu"
    number = re.fullmatch(r"cuda(?::(\d+))?", wanted.device)
    if not number:
        raise ConfigurationError(f"MEDSEARCH_DEVICE={wanted.device} is no device. Give auto, cpu, cuda or cuda:N")
    if int(number[1] or 0) >= machine.cuda_devices:
        raise ConfigurationError(
            f"MEDSEARCH_DEVICE={wanted.device}, but torch finds {machine.cuda_devices} CUDA devices here. "
            "Give the process the GPU (and a torch built for CUDA), or set MEDSEARCH_DEVICE=cpu"
        )
    if not on_gpu:
        what = "an ONNX file" if wanted.engine in ("auto", *OF_TORCH) else wanted.engine
        raise ConfigurationError(f"{what} runs on the processor alone: set MEDSEARCH_DEVICE=cpu, or give a model torch can run")
    return wanted.device


def _engines(wanted: str, device: str, kind: str, machine: Machine) -> list[str]:
    if wanted == "auto" and device.startswith("cuda"):
        return ["torch"]
    if wanted == "auto":
        found = [engine for engine in ORDER if engine in machine.installed and kind in RUNS[engine]]
        if not found:
            raise ConfigurationError(
                "an ONNX file needs OpenVINO or ONNX Runtime: pip install 'medsearch[openvino,onnxruntime]'"
            )
        return found
    if kind not in RUNS[wanted]:
        able = ", ".join(engine for engine in RUNS if kind in RUNS[engine])
        raise ConfigurationError(
            f"MEDSEARCH_ENGINE={wanted} cannot run a model of the kind {kind}: set it to auto or one of {able}"
        )
    if wanted not in machine.installed:
        raise ConfigurationError(f"MEDSEARCH_ENGINE={wanted} is not installed: pip install 'medsearch[{wanted}]', or set auto")
    return [wanted]


def _precisions(wanted: PrecisionName, engine: str, fast: bool) -> Iterator[Literal["fp32", "bf16"]]:
    if engine == "onnxruntime":
        if wanted != "bf16":
            yield "fp32"
    elif wanted == "auto":
        yield from ("bf16", "fp32") if fast else ("fp32",)
    else:
        yield wanted
