"""This machine's capabilities for models: engines, CPU and GPUs."""

from __future__ import annotations

import platform
from importlib.util import find_spec
from pathlib import Path

import torch

from medsearch_core.machine.cpus import available_cpus
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


def processor_of(device: str) -> str:
    """What computes on a device, for people and as a key: a GPU's name, or the CPU's and how many of its cores may be used."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    try:
        described = Path("/proc/cpuinfo").read_text()
    except OSError:
        described = ""
    cpus = available_cpus()
    return f"{cpu_name(described) or platform.machine()}, {cpus} CPU{'s' if cpus > 1 else ''}"


def cpu_name(cpuinfo: str) -> str:
    """The name of the first CPU in the text of /proc/cpuinfo; on Arm, the numbers of its maker and its part."""
    fields: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    name = fields.get("model name") or " ".join(fields[part] for part in ("CPU implementer", "CPU part") if part in fields)
    return " ".join(name.split())


def _is_installed(name: str) -> bool:
    modules = ("onnxruntime", "onnx", "onnxscript") if name == "onnxruntime" else (name,)
    return all(find_spec(module) is not None for module in modules)
