"""Which engines can run a model, decided from what is wanted and what is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.engines.choice import EngineOptions, MachineCapabilities, plans_of

PLAIN = MachineCapabilities(frozenset({"torch", "torch-compiled"}), cpu_bf16=False, cuda_devices=0, cuda_bf16=False)
FULL = MachineCapabilities(
    frozenset({"torch", "torch-compiled", "openvino", "onnxruntime"}), cpu_bf16=True, cuda_devices=0, cuda_bf16=False
)
GPUS = replace(FULL, cuda_devices=2, cuda_bf16=True)


ALL = ["openvino fp32", "torch fp32", "onnxruntime fp32", "openvino bf16", "torch bf16"]
WITHOUT_BF16 = ALL[:3]
OF_ONNX = ["openvino fp32", "onnxruntime fp32", "openvino bf16"]


@pytest.mark.parametrize(
    ("wanted", "kind", "machine", "device", "plans"),
    [
        (EngineOptions(), "torch", PLAIN, "cpu", ["torch fp32"]),
        (EngineOptions(), "torch", replace(PLAIN, cpu_bf16=True), "cpu", ["torch fp32", "torch bf16"]),
        (EngineOptions(), "torch", FULL, "cpu", ALL),
        (EngineOptions(), "torch", replace(FULL, cpu_bf16=False), "cpu", WITHOUT_BF16),
        (EngineOptions(), "torchscript", FULL, "cpu", ["openvino fp32", "torch fp32", "openvino bf16", "torch bf16"]),
        (EngineOptions(), "onnx", FULL, "cpu", OF_ONNX),
        (EngineOptions(), "torch", GPUS, "cuda", ["torch fp32", "torch bf16"]),
        (EngineOptions(), "torch", replace(GPUS, cuda_bf16=False), "cuda", ["torch fp32"]),
        (EngineOptions(), "onnx", GPUS, "cpu", OF_ONNX),
        (EngineOptions("openvino"), "torch", GPUS, "cpu", ["openvino fp32", "openvino bf16"]),
        (EngineOptions(device="cuda:1"), "torch", GPUS, "cuda:1", ["torch fp32", "torch bf16"]),
        (EngineOptions(device="cpu", precision="fp32"), "torch", GPUS, "cpu", WITHOUT_BF16),
        (EngineOptions("torch", "cpu", "bf16"), "torch", PLAIN, "cpu", ["torch bf16"]),
        (EngineOptions("torch-compiled"), "torch", GPUS, "cuda", ["torch-compiled fp32", "torch-compiled bf16"]),
        (EngineOptions("torch-compiled"), "torch", replace(FULL, cpu_bf16=False), "cpu", ["torch-compiled fp32"]),
        (EngineOptions("onnxruntime"), "torch", FULL, "cpu", ["onnxruntime fp32"]),
        (EngineOptions(precision="bf16"), "torch", FULL, "cpu", ["openvino bf16", "torch bf16"]),
        (EngineOptions(precision="bf16"), "onnx", FULL, "cpu", ["openvino bf16"]),
    ],
)
def test_the_candidates_are_what_settings_and_machine_allow_and_the_plainest_come_first(
    wanted: EngineOptions, kind: str, machine: MachineCapabilities, device: str, plans: list[str]
) -> None:
    found = plans_of(wanted, kind, machine)
    assert [str(plan) for plan in found] == plans
    assert {plan.device for plan in found} == {device}


@pytest.mark.parametrize(
    ("wanted", "kind", "machine", "said"),
    [
        (EngineOptions(device="gpu"), "torch", FULL, "MEDSEARCH_DEVICE=gpu .*auto, cpu, cuda or cuda:N"),
        (EngineOptions(device="cuda"), "torch", FULL, "MEDSEARCH_DEVICE=cuda, .* 0 CUDA devices"),
        (EngineOptions(device="cuda:2"), "torch", GPUS, "MEDSEARCH_DEVICE=cuda:2, .* 2 CUDA devices"),
        (EngineOptions(device="cuda"), "onnx", GPUS, "an ONNX file .*MEDSEARCH_DEVICE=cpu"),
        (EngineOptions("openvino", device="cuda"), "torch", GPUS, "openvino .*MEDSEARCH_DEVICE=cpu"),
        (
            EngineOptions("openvino"),
            "torch",
            PLAIN,
            r"MEDSEARCH_ENGINE=openvino is not installed: pip install 'medsearch\[openvino\]'",
        ),
        (EngineOptions("onnxruntime"), "torchscript", FULL, "MEDSEARCH_ENGINE=.*auto .*torch, openvino"),
        (EngineOptions("torch-compiled"), "torchscript", FULL, "MEDSEARCH_ENGINE=.*auto .*torch, openvino"),
        (EngineOptions("torch"), "onnx", FULL, "MEDSEARCH_ENGINE=torch .*onnx"),
        (EngineOptions(), "onnx", PLAIN, "medsearch\\[openvino,onnxruntime\\]"),
        (
            EngineOptions(precision="bf16"),
            "onnx",
            replace(FULL, installed=FULL.installed - {"openvino"}),
            "MEDSEARCH_PRECISION=fp32 or auto",
        ),
        (EngineOptions("onnxruntime", precision="bf16"), "torch", FULL, "MEDSEARCH_PRECISION=fp32 or auto"),
    ],
)
def test_what_cannot_be_is_said_with_what_to_do(
    wanted: EngineOptions, kind: str, machine: MachineCapabilities, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        plans_of(wanted, kind, machine)
