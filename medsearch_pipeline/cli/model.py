"""`medsearch model describe`: the metadata of a model's file, or the configured model and the engines that run it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.cli.command import Command, CommandGroup
from medsearch_pipeline.cli.tables import print_table
from medsearch_pipeline.messages.lines import print_line
from medsearch_pipeline.models.describe import describe
from medsearch_pipeline.models.engines.measurements import Measurements
from medsearch_pipeline.models.metadata import Input, path_of
from medsearch_pipeline.settings import Settings


def describe_model(
    console: Console,
    settings: Settings,
    file: Path | None,
    model_id: str | None,
    licence: str | None,
    side: int | None,
    mean: Sequence[float],
    std: Sequence[float],
    dimensions: int | None,
    measures_anew: bool,
) -> int:
    """Writes the metadata beside the file and prints where; without a file, prints the configured model and its engines."""
    if file is None:
        if (model_id, licence, side, dimensions) != (None, None, None, None):
            raise ConfigurationError("name the FILE to describe, or give only --measure to describe the configured model")
        return describe_configured(console, settings, measures_anew)
    if measures_anew:
        raise ConfigurationError("--measure is for the configured model: leave out FILE")
    if model_id is None or licence is None or side is None:
        raise ConfigurationError(f"--id, --licence and --side are required to describe {file}")
    (m0, m1, m2), (s0, s1, s2) = mean, std
    metadata = describe(file, model_id, licence, side, (m0, m1, m2), (s0, s1, s2), dimensions)
    said = f"{path_of(file)}: {metadata.dimensions} dimensions from {side} pixels"
    print_line(console, said)
    return 0


def describe_configured(console: Console, settings: Settings, measures_anew: bool) -> int:
    """Loads the configured model, and prints it and how fast each engine runs it on this machine."""
    from medsearch_pipeline.models.registry import load_embedder

    model = load_embedder(
        settings.model, settings.weights, settings.batch_size, settings.engine_options, measures_anew=measures_anew
    )
    vectors = f"{model.dimensions} dimensions from {model.side} pixels"
    print_line(console, f"{model.model_id}, version {model.model_version}: {vectors}")
    if model.measurements is None:
        print_line(console, f"{model.engine}, the only candidate with these settings; --measure says how fast it is")
        return 0
    print_line(console, f"{model.engine}, {model.measurements.place_and_day}")
    print_table(console, ("candidate", "images/s", "cosine", "result"), engine_rows(model.measurements))
    return 0


def engine_rows(measurements: Measurements) -> Iterator[tuple[str, str, str, str]]:
    """One row per candidate, the best first: its speed, its lowest cosine to fp32, and whether it runs the model."""
    for rank, candidate in enumerate(measurements.ranked):
        rate, cosine = candidate.images_per_second, candidate.cosine
        result = candidate.problem or ("chosen" if rank == 0 else "not chosen")
        yield str(candidate.plan), "" if rate is None else f"{rate:g}", "" if cosine is None else f"{cosine:.6f}", result


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        type=Path,
        nargs="?",
        metavar="FILE",
        help="a model (.onnx, .pt2, .pt, .ts), or weights with --dimensions; without it, the configured model is described",
    )
    parser.add_argument("--id", dest="model_id", help="name of the model, stored with every vector; required with FILE")
    parser.add_argument("--licence", help="license of the model, such as Apache-2.0; required with FILE")
    parser.add_argument("--side", type=int, help="input width and height in pixels; required with FILE")
    for name in ("mean", "std"):
        help_ = f"{name} of each channel, for values from 0 to 1; default: ImageNet's"
        parser.add_argument(f"--{name}", type=float, nargs=3, default=Input.model_fields[name].default, help=help_)
    parser.add_argument("--dimensions", type=int, help="vector length; default: determined by running the model")
    parser.add_argument(
        "--measure",
        dest="measures_anew",
        action="store_true",
        help="measure how fast each engine runs the configured model here, even if it is known",
    )


COMMANDS = (
    CommandGroup(
        "model",
        "describe a model file (required before it can be used), or the configured model",
        (
            Command(
                "describe",
                "write a model file's metadata beside it, or tell how fast each engine runs the configured model",
                describe_model,
                _add_arguments,
            ),
        ),
    ),
)
