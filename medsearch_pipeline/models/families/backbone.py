"""A known architecture with weights: shared by all families that build their network from code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import nn

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.metadata import Input, metadata_of
from medsearch_pipeline.models.network import FromPixels, Network
from medsearch_pipeline.models.registry import OFFLINE_CHOICES
from medsearch_pipeline.models.weights import State, digest_of_weights, load_into, random_state, state_from_file


@contextmanager
def downloading(name: str) -> Iterator[None]:
    """Reports the alternatives if published weights cannot be downloaded."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise ConfigurationError(
            f"{name}'s ImageNet weights could not be downloaded ({type(error).__name__}). Without internet, {OFFLINE_CHOICES}"
        ) from error


def network_of(
    name: str,
    build: Callable[[], nn.Module],
    published: Callable[[], State],
    weights: str,
    model_input: Input,
    dimensions: int | None = None,
    names: Callable[[State], State] = lambda state: state,
) -> Network:
    """The network with its published weights (`imagenet`), seeded random ones (`random`) or those of a file.

    Args:
        name: of the architecture, for the model's id and errors.
        build: the feature extractor, `[n, 3, side, side]` to `[n, dimensions]`.
        published: the state dict of the published weights.
        model_input: the input these were trained on; metadata beside a weights file take precedence.
        names: maps the tensor names of a published or given state dict to those of the feature extractor.

    Raises:
        ConfigurationError: the weights are not available or do not fit the network.
    """
    metadata = None
    if weights == "random":
        state, model_id = random_state(build), f"{name}-random"
    elif weights == "imagenet":
        state, model_id = names(published()), f"{name}-imagenet"
    else:
        state, model_id = names(state_from_file(weights)), f"{name}-file"
        metadata = metadata_of(Path(weights).expanduser())
    features = load_into(build(), state, name).eval()
    digest = digest_of_weights(features)
    if metadata:
        model_id, model_input, dimensions = metadata.model_id, metadata.input, metadata.dimensions
    return Network(model_id, digest, model_input, FromPixels(features, model_input).eval(), dimensions)
