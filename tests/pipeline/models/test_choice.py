"""Which engine runs a model, decided from what is wanted and what is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.engines.choice import EngineOptions, EnginePlan, MachineCapabilities, plans_of

PLAIN = MachineCapabilities(frozenset({"torch", "torch-compiled"}), cpu_bf16=False, cuda_devices=0, cuda_bf16=False)
FULL = MachineCapabilities(
    frozenset({"torch", "torch-compiled", "openvino", "onnxruntime"}), cpu_bf16=True, cuda_devices=0, cuda_bf16=False
)
GPUS = replace(FULL, cuda_devices=2, cuda_bf16=True)


@pytest.mark.parametrize(
    ("wanted", "kind", "machine", "first", "last"),
    [
        (EngineOptions(), "torch", PLAIN, EnginePlan("torch", "cpu", "fp32"), EnginePlan("torch", "cpu", "fp32")),
        (
            EngineOptions(),
            "torch",
            replace(PLAIN, cpu_bf16=True),
            EnginePlan("torch", "cpu", "bf16"),
            EnginePlan("torch", "cpu", "fp32"),
        ),
        (EngineOptions(), "torch", FULL, EnginePlan("openvino", "cpu", "bf16"), EnginePlan("onnxruntime", "cpu", "fp32")),
        (
            EngineOptions(),
            "torch",
            replace(FULL, cpu_bf16=False),
            EnginePlan("openvino", "cpu", "fp32"),
            EnginePlan("onnxruntime", "cpu", "fp32"),
        ),
        (EngineOptions(), "torchscript", FULL, EnginePlan("openvino", "cpu", "bf16"), EnginePlan("torch", "cpu", "fp32")),
        (EngineOptions(), "onnx", FULL, EnginePlan("openvino", "cpu", "bf16"), EnginePlan("onnxruntime", "cpu", "fp32")),
        (EngineOptions(), "torch", GPUS, EnginePlan("torch", "cuda", "bf16"), EnginePlan("torch", "cuda", "fp32")),
        (
            EngineOptions(),
            "torch",
            replace(GPUS, cuda_bf16=False),
            EnginePlan("torch", "cuda", "fp32"),
            EnginePlan("torch", "cuda", "fp32"),
        ),
        (EngineOptions(), "onnx", GPUS, EnginePlan("openvino", "cpu", "bf16"), EnginePlan("onnxruntime", "cpu", "fp32")),
        (
            EngineOptions("openvino"),
            "torch",
            GPUS,
            EnginePlan("openvino", "cpu", "bf16"),
            EnginePlan("openvino", "cpu", "fp32"),
        ),
        (
            EngineOptions(device="cuda:1"),
            "torch",
            GPUS,
            EnginePlan("torch", "cuda:1", "bf16"),
            EnginePlan("torch", "cuda:1", "fp32"),
        ),
        (
            EngineOptions(device="cpu", precision="fp32"),
            "torch",
            GPUS,
            EnginePlan("openvino", "cpu", "fp32"),
            EnginePlan("onnxruntime", "cpu", "fp32"),
        ),
        (
            EngineOptions("torch", "cpu", "bf16"),
            "torch",
            PLAIN,
            EnginePlan("torch", "cpu", "bf16"),
            EnginePlan("torch", "cpu", "bf16"),
        ),
        (
            EngineOptions("torch-compiled"),
            "torch",
            GPUS,
            EnginePlan("torch-compiled", "cuda", "bf16"),
            EnginePlan("torch-compiled", "cuda", "fp32"),
        ),
        (
            EngineOptions("torch-compiled"),
            "torch",
            replace(FULL, cpu_bf16=False),
            EnginePlan("torch-compiled", "cpu", "fp32"),
            EnginePlan("torch-compiled", "cpu", "fp32"),
        ),
        (
            EngineOptions("onnxruntime"),
            "torch",
            FULL,
            EnginePlan("onnxruntime", "cpu", "fp32"),
            EnginePlan("onnxruntime", "cpu", "fp32"),
        ),
        (
            EngineOptions(precision="bf16"),
            "torch",
            FULL,
            EnginePlan("openvino", "cpu", "bf16"),
            EnginePlan("torch", "cpu", "bf16"),
        ),
        (
            EngineOptions(precision="bf16"),
            "onnx",
            FULL,
            EnginePlan("openvino", "cpu", "bf16"),
            EnginePlan("openvino", "cpu", "bf16"),
        ),
    ],
)
def test_the_best_is_tried_first_and_the_plainest_last(
    wanted: EngineOptions, kind: str, machine: MachineCapabilities, first: EnginePlan, last: EnginePlan
) -> None:
    plans = plans_of(wanted, kind, machine)
    assert (plans[0], plans[-1]) == (first, last)


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
