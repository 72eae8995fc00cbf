"""Which models there are, by the name a setting gives them."""

from __future__ import annotations

from medsearch_pipeline.models import densenet121, efficientnet_lite0
from medsearch_pipeline.models.protocol import Embedder

MODELS = {"densenet121": densenet121.load, "efficientnet_lite0": efficientnet_lite0.load}


def load_embedder(model: str, weights: str, batch_size: int = 8) -> Embedder:
    """The embedder of a model with the weights a setting names; raises `ConfigurationError` where they cannot be had."""
    return MODELS[model](weights, batch_size)
