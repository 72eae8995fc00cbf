"""A small network and its model files, real pictures for any model, and archives that hold code."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from medsearch_core.dicom.thumbnails import picture_thumbnail
from medsearch_pipeline.demo.cases import Finding, View, physique, stream
from medsearch_pipeline.demo.radiographs import draw
from medsearch_pipeline.models.describe import describe
from medsearch_pipeline.models.metadata import Input, ModelMetadata
from medsearch_pipeline.models.preprocessing import letterbox

SIDE, DIMENSIONS = 64, 24
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
WANTED = Input(side=SIDE, mean=MEAN, std=STD)
VIEWS: tuple[View, ...] = ("PA", "LATERAL", "AP")


def small_network() -> nn.Module:
    """64 pixels to 24 numbers, the same on every call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        layers = [nn.Conv2d(3, 16, 3, 2), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, DIMENSIONS, 3, 2), nn.ReLU()]
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()


@cache
def _drawn() -> tuple[np.ndarray, ...]:
    findings: tuple[list[Finding], ...] = ([], [Finding("pleural effusion")], [Finding("cardiomegaly")])
    exposed = [draw(physique(stream(n, "body")), findings[n], view, n).pixels for n, view in enumerate(VIEWS)]
    return tuple(picture_thumbnail((pixels >> 4).astype(np.uint8), 512) for pixels in exposed)


def radiographs(side: int, n: int = 3) -> np.ndarray:
    """Three drawn radiographs as a model sees them, in turn: uint8 `[n, side, side, 3]`."""
    return np.stack([letterbox(_drawn()[at % len(VIEWS)], side) for at in range(n)])


def write_model(file: Path, network: nn.Module | None = None, batch: int | None = None) -> Path:
    """The network as a model file of the kind its name ends in, for batches of any size unless one is given."""
    network = network or small_network()
    example = torch.zeros(batch or 2, 3, SIDE, SIDE)
    shapes = None if batch else ({0: torch.export.Dim("n", min=1)},)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if file.suffix == ".onnx":
            torch.onnx.export(network, (example,), file, dynamo=True, dynamic_shapes=shapes, external_data=False, verbose=False)
        elif file.suffix == ".pt2":
            torch.export.save(torch.export.export(network, (example,), dynamic_shapes=shapes), file)
        else:
            torch.jit.save(torch.jit.script(network), file)
    return file


def described(file: Path, **told: Any) -> ModelMetadata:
    """The metadata beside a file of the small network, as the command writes them."""
    return describe(file, "small", "Apache-2.0", SIDE, MEAN, STD, **told)
