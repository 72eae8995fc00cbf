"""Any classifier of torchvision's as a backbone: the input of its classifier, averaged over the image."""

from __future__ import annotations

from difflib import get_close_matches

import torch
import torchvision
from torch import nn

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.families.backbone import downloading, network_of
from medsearch_pipeline.models.metadata import Input
from medsearch_pipeline.models.network import Network
from medsearch_pipeline.models.weights import State

HEADS = ("fc", "classifier", "heads", "head")
"""torchvision's names of the classifier layer."""


class Average(nn.Module):
    """The mean over rows and columns, if the tensor has them."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features.mean((2, 3)) if features.ndim == 4 else features


def load(backbone: str, weights: str) -> Network:
    """The network by torchvision's name, with the input its weights were trained on.

    Raises:
        ConfigurationError: torchvision has no such classifier, or the weights are not available.
    """
    known = torchvision.models.list_models(module=torchvision.models)
    if backbone not in known:
        near = get_close_matches(backbone, known, 3)
        hint = f"Did you mean {' or '.join(near)}?" if near else "torchvision.models.list_models() lists them"
        raise ConfigurationError(f"torchvision has no classifier named {backbone}. {hint}")
    published = torchvision.models.get_model_weights(backbone).DEFAULT
    preset = published.transforms()
    model_input = Input(side=preset.crop_size[0], mean=tuple(preset.mean), std=tuple(preset.std))

    def state() -> State:
        with downloading(backbone):
            return dict(published.get_state_dict(progress=False, check_hash=True, weights_only=True))

    return network_of(f"torchvision-{backbone}", lambda: features_of(backbone), state, weights, model_input)


def features_of(backbone: str) -> nn.Module:
    """A freshly initialized network without its classifier."""
    options = {"init_weights": True, "transform_input": False} if backbone in ("googlenet", "inception_v3") else {}
    network = torchvision.models.get_model(backbone, weights=None, **options)
    head = next(name for name in HEADS if hasattr(network, name))
    setattr(network, head, Average())
    if isinstance(getattr(network, "avgpool", None), nn.AdaptiveAvgPool2d):
        network.avgpool = nn.AdaptiveAvgPool2d(1)  # alexnet and the VGGs keep 6 x 6 or 7 x 7 places
    return network
