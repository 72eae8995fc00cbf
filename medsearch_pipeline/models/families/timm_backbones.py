"""Any model of timm's as a backbone: its pooled features, before the classifier. timm is optional."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from torch import nn

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.families.backbone import downloading, network_of
from medsearch_pipeline.models.metadata import Input
from medsearch_pipeline.models.network import Network
from medsearch_pipeline.models.weights import State


def load(backbone: str, weights: str) -> Network:
    """The network by timm's name, `resnet50` or `resnet50.a1_in1k`, with the input its weights were trained on.

    Raises:
        ConfigurationError: timm is not installed or has no such model, or the weights are not available.
    """
    try:
        import timm
    except ImportError as error:
        raise ConfigurationError("MEDSEARCH_MODEL=timm:… needs timm: pip install 'medsearch[timm]'") from error
    architecture = backbone.partition(".")[0]
    if not timm.is_model(architecture) or ":" in backbone or "/" in backbone:
        near = get_close_matches(architecture, timm.list_models(), 3)
        hint = f"Did you mean {' or '.join(near)}?" if near else "timm.list_models() lists them"
        raise ConfigurationError(f"timm has no model named {backbone}. {hint}")

    def built(pretrained: bool = False) -> Any:
        return timm.create_model(backbone, pretrained=pretrained, num_classes=0)

    def build() -> nn.Module:
        network: nn.Module = built()
        return network

    def published() -> State:
        with downloading(backbone):
            return dict(built(pretrained=True).state_dict())

    try:
        published_for: Any = timm.get_pretrained_cfg(backbone, allow_unregistered=False)
    except RuntimeError as error:
        there = ", ".join(timm.list_pretrained(f"{architecture}.*"))
        raise ConfigurationError(f"timm has no weights named {backbone}. There are {there}") from error
    model_input = Input(side=published_for.input_size[-1], mean=tuple(published_for.mean), std=tuple(published_for.std))
    return network_of(f"timm-{backbone}", build, published, weights, model_input)
