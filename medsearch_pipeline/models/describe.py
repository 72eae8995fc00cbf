"""Writes the metadata of a model's file: its SHA-256, and the dimensions of its vectors from one forward pass."""

from __future__ import annotations

from os.path import isfile  # False for a name that is too long, for which Path.is_file raises
from pathlib import Path

from pydantic import ValidationError

from medsearch_core.errors import ConfigurationError
from medsearch_core.machine.cpus import available_cpus
from medsearch_pipeline.models.metadata import Input, ModelMetadata, path_of, sha256_of

Channels = tuple[float, float, float]


def describe(
    file: Path, model_id: str, licence: str, side: int, mean: Channels, std: Channels, dimensions: int | None = None
) -> ModelMetadata:
    """Writes `model.json` beside `model.onnx` and returns its content.

    Args:
        dimensions: of its vectors; None runs the model once to find out. Required for weights of an architecture, which cannot
            be run alone.

    Raises:
        ConfigurationError: there is no such file, a value is out of range, the model cannot be run, or nothing can be written.
    """
    if not isfile(file):
        raise ConfigurationError(f"there is no file {file}")
    try:
        model_input = Input(side=side, mean=mean, std=std)
        found = _dimensions_of(file, model_input) if dimensions is None else dimensions
        metadata = ModelMetadata(
            **model_input.model_dump(), model_id=model_id, dimensions=found, licence=licence, sha256=sha256_of(file)
        )
        path_of(file).write_text(metadata.model_dump_json(indent=2) + "\n")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ConfigurationError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from error
    except OSError as error:
        raise ConfigurationError(f"{path_of(file).name} cannot be written beside {file.name}: {error.strerror}") from error
    return metadata


def _dimensions_of(file: Path, model_input: Input) -> int:
    from medsearch_pipeline.models.engines.attempt import Attempt  # imports torch, which takes seconds
    from medsearch_pipeline.models.engines.choice import EngineOptions, plans_of
    from medsearch_pipeline.models.engines.machine import detect_capabilities
    from medsearch_pipeline.models.engines.open import open_first
    from medsearch_pipeline.models.families.model_file import graph_of
    from medsearch_pipeline.models.network import Network

    network = Network(file.name, "", model_input, graph_of(file, model_input))
    plans = plans_of(EngineOptions(device="cpu", precision="fp32"), network.kind, detect_capabilities())
    return open_first(Attempt(network, available_cpus(), 1, None), plans).dimensions
