"""Which engine runs a model, decided from what is wanted and what is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.engines.choice import Machine, Plan, Wanted, plans_of

PLAIN = Machine(frozenset({"torch", "torch-compiled"}), cpu_bf16=False, cuda_devices=0, cuda_bf16=False)
FULL = Machine(
    frozenset({"torch", "torch-compiled", "openvino", "onnxruntime"}), cpu_bf16=True, cuda_devices=0, cuda_bf16=False
)
GPUS = replace(FULL, cuda_devices=2, cuda_bf16=True)


@pytest.mark.parametrize(
    ("wanted", "kind", "machine", "first", "last"),
    [
        (Wanted(), "torch", PLAIN, Plan("torch", "cpu", "fp32"), Plan("torch", "cpu", "fp32")),
        (Wanted(), "torch", replace(PLAIN, cpu_bf16=True), Plan("torch", "cpu", "bf16"), Plan("torch", "cpu", "fp32")),
        (Wanted(), "torch", FULL, Plan("openvino", "cpu", "bf16"), Plan("onnxruntime", "cpu", "fp32")),
        (Wanted(), "torch", replace(FULL, cpu_bf16=False), Plan("openvino", "cpu", "fp32"), Plan("onnxruntime", "cpu", "fp32")),
        (Wanted(), "torchscript", FULL, Plan("openvino", "cpu", "bf16"), Plan("torch", "cpu", "fp32")),
        (Wanted(), "onnx", FULL, Plan("openvino", "cpu", "bf16"), Plan("onnxruntime", "cpu", "fp32")),
        (Wanted(), "torch", GPUS, Plan("torch", "cuda", "bf16"), Plan("torch", "cuda", "fp32")),
        (Wanted(), "torch", replace(GPUS, cuda_bf16=False), Plan("torch", "cuda", "fp32"), Plan("torch", "cuda", "fp32")),
        (Wanted(), "onnx", GPUS, Plan("openvino", "cpu", "bf16"), Plan("onnxruntime", "cpu", "fp32")),
        (Wanted("openvino"), "torch", GPUS, Plan("openvino", "cpu", "bf16"), Plan("openvino", "cpu", "fp32")),
        (Wanted(device="cuda:1"), "torch", GPUS, Plan("torch", "cuda:1", "bf16"), Plan("torch", "cuda:1", "fp32")),
        (
            Wanted(device="cpu", precision="fp32"),
            "torch",
            GPUS,
            Plan("openvino", "cpu", "fp32"),
            Plan("onnxruntime", "cpu", "fp32"),
        ),
        (Wanted("torch", "cpu", "bf16"), "torch", PLAIN, Plan("torch", "cpu", "bf16"), Plan("torch", "cpu", "bf16")),
        (
            Wanted("torch-compiled"),
            "torch",
            GPUS,
            Plan("torch-compiled", "cuda", "bf16"),
            Plan("torch-compiled", "cuda", "fp32"),
        ),
        (
            Wanted("torch-compiled"),
            "torch",
            replace(FULL, cpu_bf16=False),
            Plan("torch-compiled", "cpu", "fp32"),
            Plan("torch-compiled", "cpu", "fp32"),
        ),
        (Wanted("onnxruntime"), "torch", FULL, Plan("onnxruntime", "cpu", "fp32"), Plan("onnxruntime", "cpu", "fp32")),
        (Wanted(precision="bf16"), "torch", FULL, Plan("openvino", "cpu", "bf16"), Plan("torch", "cpu", "bf16")),
        (Wanted(precision="bf16"), "onnx", FULL, Plan("openvino", "cpu", "bf16"), Plan("openvino", "cpu", "bf16")),
    ],
)
def test_the_best_is_tried_first_and_the_plainest_last(
    wanted: Wanted, kind: str, machine: Machine, first: Plan, last: Plan
) -> None:
    plans = plans_of(wanted, kind, machine)
    assert (plans[0], plans[-1]) == (first, last)


@pytest.mark.parametrize(
    ("wanted", "kind", "machine", "said"),
    [
        (Wanted(device="gpu"), "torch", FULL, "MEDSEARCH_DEVICE=gpu is no device. Give auto, cpu, cuda or cuda:N"),
        (Wanted(device="cuda"), "torch", FULL, "torch finds 0 CUDA devices here"),
        (Wanted(device="cuda:2"), "torch", GPUS, "torch finds 2 CUDA devices here"),
        (Wanted(device="cuda"), "onnx", GPUS, "an ONNX file runs on the processor alone"),
        (Wanted("openvino", device="cuda"), "torch", GPUS, "openvino runs on the processor alone"),
        (
            Wanted("openvino"),
            "torch",
            PLAIN,
            r"MEDSEARCH_ENGINE=openvino is not installed: pip install 'medsearch\[openvino\]'",
        ),
        (Wanted("onnxruntime"), "torchscript", FULL, "set it to auto or one of torch, openvino"),
        (Wanted("torch-compiled"), "torchscript", FULL, "set it to auto or one of torch, openvino"),
        (Wanted("torch"), "onnx", FULL, "cannot run a model of the kind onnx"),
        (Wanted(), "onnx", PLAIN, "an ONNX file needs OpenVINO or ONNX Runtime"),
        (
            Wanted(precision="bf16"),
            "onnx",
            replace(FULL, installed=FULL.installed - {"openvino"}),
            "in fp32 alone: set MEDSEARCH_PRECISION=fp32 or auto",
        ),
        (Wanted("onnxruntime", precision="bf16"), "torch", FULL, "in fp32 alone: set MEDSEARCH_PRECISION=fp32 or auto"),
    ],
)
def test_what_cannot_be_is_said_with_what_to_do(wanted: Wanted, kind: str, machine: Machine, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        plans_of(wanted, kind, machine)
