"""`medsearch model describe`: the metadata of a model's file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from medsearch_pipeline.cli.command import Command, CommandGroup
from medsearch_pipeline.messages.lines import print_line
from medsearch_pipeline.models.describe import describe
from medsearch_pipeline.models.metadata import Input, path_of


def describe_model(
    console: Console,
    file: Path,
    model_id: str,
    licence: str,
    side: int,
    mean: Sequence[float],
    std: Sequence[float],
    dimensions: int | None,
) -> int:
    """Writes the metadata beside the file, and prints where."""
    (m0, m1, m2), (s0, s1, s2) = mean, std
    metadata = describe(file, model_id, licence, side, (m0, m1, m2), (s0, s1, s2), dimensions)
    said = f"{path_of(file)}: {metadata.dimensions} dimensions from {side} pixels"
    print_line(console, said)
    return 0


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a model (.onnx, .pt2, .pt, .ts), or weights with --dimensions")
    parser.add_argument("--id", dest="model_id", required=True, help="name of the model, stored with every vector")
    parser.add_argument("--licence", required=True, help="license of the model, such as Apache-2.0")
    parser.add_argument("--side", type=int, required=True, help="input width and height in pixels")
    for name in ("mean", "std"):
        help_ = f"{name} of each channel, for values from 0 to 1; default: ImageNet's"
        parser.add_argument(f"--{name}", type=float, nargs=3, default=Input.model_fields[name].default, help=help_)
    parser.add_argument("--dimensions", type=int, help="vector length; default: determined by running the model")


COMMANDS = (
    CommandGroup(
        "model",
        "describe a model file (required before it can be used)",
        (
            Command(
                "describe",
                "write a model file's metadata beside it: input, dimensions, license and SHA-256",
                describe_model,
                _add_arguments,
                needs_settings=False,
            ),
        ),
    ),
)
