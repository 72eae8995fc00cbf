"""This machine's capabilities for models: engines, CPU and GPUs."""

from __future__ import annotations

from importlib.util import find_spec

import torch

from medsearch_pipeline.models.engines.choice import MachineCapabilities


def detect_capabilities() -> MachineCapabilities:
    """The installed engines, and what torch reports about CPU and GPUs."""
    cpu = torch.cpu.get_capabilities()
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return MachineCapabilities(
        installed=frozenset(
            {"torch", "torch-compiled"} | {name for name in ("openvino", "onnxruntime") if _is_installed(name)}
        ),
        cpu_bf16=any(cpu.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16")),
        cuda_devices=gpus,
        cuda_bf16=bool(gpus) and torch.cuda.is_bf16_supported(including_emulation=False),
    )


def _is_installed(name: str) -> bool:
    modules = ("onnxruntime", "onnx", "onnxscript") if name == "onnxruntime" else (name,)
    return all(find_spec(module) is not None for module in modules)
