"""The reference's steps for one image, as in the AWS sample, at the same 512 pixels as medsearch's.

Decode, scale by the largest value in float64, write a full-size 8-bit PNG; read it back, resize, crop, normalize; DenseNet121
in eager fp32, a batch of one. The sample crops at random; here the center is cropped, which costs the same.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pydicom import dcmread
from torch import nn
from torchvision import models, transforms

SIDE = 512
PREPARE = transforms.Compose(
    [
        transforms.Resize(SIDE),
        transforms.CenterCrop(SIDE),
        transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ]
)


def max_scaled_png(source: Path, target: Path) -> None:
    """A DICOM file as a full-size PNG."""
    pixels = dcmread(source).pixel_array.astype(float)
    scaled = (np.maximum(pixels, 0) / pixels.max()) * 255.0
    Image.fromarray(np.uint8(scaled)).save(target)


def embedding(picture: Path, network: nn.Module) -> np.ndarray:
    """The embedding of a PNG, float32 `[1024]`."""
    with Image.open(picture) as image:
        batch = PREPARE(image.convert("RGB")).unsqueeze(0)
    with torch.no_grad():
        vector: np.ndarray = torch.relu(network(batch)).mean((2, 3)).numpy()[0]
    return vector


def reference(folder: Path) -> Callable[[Path], np.ndarray]:
    """The embedding of a DICOM file, by way of a PNG in a folder."""
    network = models.densenet121(weights=None).features.eval()

    def of(source: Path) -> np.ndarray:
        target = folder / f"{source.stem}.png"
        max_scaled_png(source, target)
        return embedding(target, network)

    return of
