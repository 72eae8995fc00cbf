"""DenseNet121 (Huang et al., CVPR 2017): its features, ReLU and global average pool, 1024 numbers from 512 pixels."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import nn
from torchvision.models import DenseNet121_Weights, densenet121

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.torch_embedder import TorchEmbedder
from medsearch_pipeline.models.weights import State, load_into, random_state, state_from_file

DIMENSIONS, SIDE = 1024, 512
_OLD_NAME = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.((?:[12])\.(?:weight|bias|running_mean|running_var))$")


class Features(nn.Module):
    """The network without its classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.features = densenet121(weights=None).features

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.features(batch)).mean((2, 3))


def load(weights: str, batch_size: int) -> TorchEmbedder:
    """The embedder with ImageNet's weights (`imagenet`), seeded random ones (`random`) or those of a file.

    Raises:
        ConfigurationError: the weights cannot be had or are another network's.
    """
    if weights == "imagenet":
        state, label = _imagenet(), "imagenet"
    elif weights == "random":
        state, label = random_state(Features), "random"
    else:
        state, label = modern_names(state_from_file(weights)), "file"
    return TorchEmbedder(f"densenet121-{label}", load_into(Features(), state, "densenet121"), DIMENSIONS, SIDE, batch_size)


def modern_names(state: Mapping[str, torch.Tensor]) -> State:
    """The published weights' names (`norm.1.weight`) as the layers are named now (`norm1.weight`)."""
    return {_OLD_NAME.sub(r"\1\2", name): tensor for name, tensor in state.items()}


def _imagenet() -> State:
    try:
        return modern_names(DenseNet121_Weights.IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True))
    except (OSError, RuntimeError) as error:
        raise ConfigurationError(
            "densenet121's ImageNet weights could not be downloaded. Put the file on this machine and set MEDSEARCH_WEIGHTS "
            "to its path, or choose MEDSEARCH_MODEL=efficientnet_lite0, whose ImageNet weights are installed, or "
            "MEDSEARCH_WEIGHTS=random to try the pipeline without meaning"
        ) from error
