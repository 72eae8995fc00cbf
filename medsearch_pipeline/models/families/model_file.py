"""A whole model in a file: ONNX, an exported program (`torch.export`) or TorchScript, with metadata beside it.

The model takes float32 `[n, 3, side, side]`, normalised as its metadata say, and gives `[n, dimensions]`, for n = 1 at least.
"""

from __future__ import annotations

from importlib import import_module
from os.path import isfile  # of which a name that is too long is none; Path.is_file raises
from pathlib import Path

from torch import nn

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.metadata import Input, metadata_of, path_of
from medsearch_pipeline.models.network import Network

FORMATS = {".onnx": "onnx_file", ".pt2": "exported_file", ".pt": "torchscript_file", ".ts": "torchscript_file"}
"""Ending → the module in `files` that reads it."""


def load(backbone: str, weights: str) -> Network:
    """The model of a file.

    Raises:
        ConfigurationError: there is no such file, it lacks metadata or is not what they describe, or it cannot be read safely.
    """
    file = Path(weights).expanduser()
    if not isfile(file):
        raise ConfigurationError(
            f"MEDSEARCH_MODEL=file needs MEDSEARCH_WEIGHTS to name a model's file ({', '.join(FORMATS)}), and there is none "
            f"called {weights}"
        )
    metadata = metadata_of(file)
    if metadata is None:
        raise ConfigurationError(
            f"{file.name} has no metadata: write {path_of(file).name} beside it with `medsearch model describe {file.name}`"
        )
    graph = graph_of(file, metadata.input)
    return Network(metadata.model_id, metadata.sha256, metadata.input, graph, metadata.dimensions)


def graph_of(file: Path, model_input: Input) -> nn.Module | bytes:
    """The graph of a file, by its ending.

    Raises:
        ConfigurationError: it is of no known format, damaged, or would run something.
    """
    if file.suffix not in FORMATS:
        raise ConfigurationError(f"{file.name} is not a model's file: give one of {', '.join(FORMATS)}")
    reader = import_module(f"medsearch_pipeline.models.files.{FORMATS[file.suffix]}")
    try:
        graph: nn.Module | bytes = reader.graph_of(file.name, file.read_bytes(), model_input)
    except ConfigurationError:
        raise
    except Exception as error:  # whatever a library raises of a damaged file
        raise ConfigurationError(
            f"{file.name} is not a model's file that can be read: {type(error).__name__}. Export or copy it anew"
        ) from error
    return graph
