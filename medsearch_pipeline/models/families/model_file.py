"""A whole model in a file: ONNX, an exported program (`torch.export`) or TorchScript, with metadata beside it.

The model maps float32 `[n, 3, side, side]`, normalized according to its metadata, to `[n, dimensions]`, at least for n = 1.
"""

from __future__ import annotations

from importlib import import_module
from os.path import isfile  # False for a name that is too long, for which Path.is_file raises
from pathlib import Path

from torch import nn

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.metadata import Input, metadata_of, path_of
from medsearch_pipeline.models.network import Network

FORMATS = {".onnx": "onnx_file", ".pt2": "exported_file", ".pt": "torchscript_file", ".ts": "torchscript_file"}
"""Extension → the module in `files` that reads it."""


def load(backbone: str, weights: str) -> Network:
    """The model of a file.

    Raises:
        ConfigurationError: there is no such file, its metadata are missing or do not match, or it cannot be read safely.
    """
    file = Path(weights).expanduser()
    if not isfile(file):
        raise ConfigurationError(
            f"MEDSEARCH_MODEL=file needs MEDSEARCH_WEIGHTS to name a model file ({', '.join(FORMATS)}), but there is no "
            f"file {weights}"
        )
    metadata = metadata_of(file)
    if metadata is None:
        raise ConfigurationError(
            f"{file.name} has no metadata: write {path_of(file).name} beside it with `medsearch model describe {file.name}`"
        )
    graph = graph_of(file, metadata.input)
    return Network(metadata.model_id, metadata.sha256, metadata.input, graph, metadata.dimensions)


def graph_of(file: Path, model_input: Input) -> nn.Module | bytes:
    """The graph of a file, by its extension.

    Raises:
        ConfigurationError: it has an unknown format, is damaged, or would run code.
    """
    if file.suffix not in FORMATS:
        raise ConfigurationError(f"{file.name} is not a model file: give one of {', '.join(FORMATS)}")
    reader = import_module(f"medsearch_pipeline.models.files.{FORMATS[file.suffix]}")
    try:
        graph: nn.Module | bytes = reader.graph_of(file.name, file.read_bytes(), model_input)
    except ConfigurationError:
        raise
    except Exception as error:  # libraries raise anything for a damaged file
        raise ConfigurationError(
            f"{file.name} is not a readable model file: {type(error).__name__}. Export or copy it again"
        ) from error
    return graph
