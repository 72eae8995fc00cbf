"""`medsearch model describe`: the metadata of a model's file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from medsearch_pipeline.models.describe import describe
from medsearch_pipeline.models.metadata import path_of


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
    """Writes the metadata beside the file, and says where."""
    (m0, m1, m2), (s0, s1, s2) = mean, std
    metadata = describe(file, model_id, licence, side, (m0, m1, m2), (s0, s1, s2), dimensions)
    said = f"{path_of(file)}: {metadata.dimensions} dimensions from {side} pixels"
    console.print(said, markup=False, highlight=False, soft_wrap=True)
    return 0
