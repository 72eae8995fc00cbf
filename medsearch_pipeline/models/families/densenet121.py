"""DenseNet121 (Huang et al., CVPR 2017): its features, ReLU and global average pool, 1024 numbers from 512 pixels."""

from __future__ import annotations

import re

import torch
from torch import nn
from torchvision.models import DenseNet121_Weights, densenet121

from medsearch_pipeline.models.families.backbone import downloading, network_of
from medsearch_pipeline.models.metadata import Input
from medsearch_pipeline.models.network import Network
from medsearch_pipeline.models.weights import State

DIMENSIONS, SIDE = 1024, 512
_OLD_NAME = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.((?:[12])\.(?:weight|bias|running_mean|running_var))$")


class Features(nn.Module):
    """The network without its classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.features = densenet121(weights=None).features

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.features(batch)).mean((2, 3))


def load(backbone: str, weights: str) -> Network:
    """The network with the configured weights."""
    return network_of("densenet121", Features, _imagenet, weights, Input(side=SIDE), DIMENSIONS, modern_names)


def modern_names(state: State) -> State:
    """The state dict with the published names (`norm.1.weight`) renamed to those of the layers (`norm1.weight`)."""
    return {_OLD_NAME.sub(r"\1\2", name): tensor for name, tensor in state.items()}


def _imagenet() -> State:
    with downloading("densenet121"):
        return dict(DenseNet121_Weights.IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True, weights_only=True))
