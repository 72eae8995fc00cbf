"""Which models there are, by the name a setting gives them.

Only the one that is asked for is imported: torchvision, which one of them needs, takes seconds.
"""

from __future__ import annotations

from importlib import import_module

from medsearch_pipeline.models.protocol import Embedder

MODELS = ("densenet121", "efficientnet_lite0")
"""Each a module beside this one with a `load`."""


def load_embedder(model: str, weights: str, batch_size: int = 8) -> Embedder:
    """The embedder of a model with the weights a setting names.

    Raises:
        KeyError: there is no such model.
        ConfigurationError: its weights cannot be had.
    """
    if model not in MODELS:
        raise KeyError(model)
    embedder: Embedder = import_module(f"medsearch_pipeline.models.{model}").load(weights, batch_size)
    return embedder
