"""`Network`: what a model family passes to an engine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from medsearch_pipeline.models.metadata import Input
from medsearch_pipeline.models.preprocessing import PREPROCESSING_VERSION

Kind = Literal["torch", "torchscript", "onnx"]
IMAGENET = Input(side=224)


@dataclass(frozen=True, eq=False)
class Network:
    """A network with its weights, the same for every engine.

    Args:
        model_id: architecture and weights.
        digest: of the weights, in hexadecimal digits.
        input: side and normalization of its input images.
        graph: fp32, uint8 `[n, side, side, 3]` to `[n, dimensions]`; a torch module, or the bytes of an ONNX model.
        dimensions: length of a vector; None if unknown until it runs.
    """

    model_id: str
    digest: str
    input: Input
    graph: nn.Module | bytes
    dimensions: int | None = None

    @property
    def kind(self) -> Kind:
        """The kind of graph, which decides which engines can run it."""
        if isinstance(self.graph, bytes):
            return "onnx"
        return "torchscript" if any(isinstance(m, torch.jit.ScriptModule) for m in self.graph.modules()) else "torch"

    @property
    def model_version(self) -> str:
        """Digest of weights, side, normalization and preprocessing, but not the engine (docs/adr/0017-engines.md)."""
        version = f"{self.digest[:16]}-{self.input.side}px-p{PREPROCESSING_VERSION}"
        if (self.input.mean, self.input.std) != (IMAGENET.mean, IMAGENET.std):
            normalization = repr((self.input.mean, self.input.std)).encode()
            version += f"-n{hashlib.sha256(normalization).hexdigest()[:8]}"
        return version


class FromPixels(nn.Module):
    """A feature extractor with the normalization in front, so that its input is bytes and the device does the arithmetic."""

    input_mean: torch.Tensor
    input_std: torch.Tensor

    def __init__(self, features: nn.Module, model_input: Input) -> None:
        super().__init__()
        self.features = features
        self.register_buffer("input_mean", torch.tensor(model_input.mean).view(3, 1, 1))
        self.register_buffer("input_std", torch.tensor(model_input.std).view(3, 1, 1))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """uint8 `[n, side, side, 3]` to float `[n, dimensions]`."""
        vectors: torch.Tensor = self.features((pictures.permute(0, 3, 1, 2).float() / 255 - self.input_mean) / self.input_std)
        return vectors
