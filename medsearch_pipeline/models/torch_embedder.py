"""`TorchEmbedder`: a torch network as an `Embedder`."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from medsearch_pipeline.models.preprocessing import PREPROCESSING_VERSION
from medsearch_pipeline.models.weights import digest_of_weights

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class TorchEmbedder:
    """A torch feature extractor, run in fp32 without gradients.

    Args:
        model_id: architecture and weights.
        features: `[n, 3, side, side]` normalised as ImageNet's training did, to `[n, dimensions]`.
        dimensions: length of a vector.
        side: side of the square input in pixels.
        batch_size: pictures the network sees at once. Always that many: kernels are chosen by the batch's shape, and another
            choice changes the last bits of every vector.
    """

    def __init__(self, model_id: str, features: nn.Module, dimensions: int, side: int, batch_size: int) -> None:
        self._features = features.eval()
        self.model_id = model_id
        self.model_version = f"{digest_of_weights(features)[:16]}-{side}px-p{PREPROCESSING_VERSION}"
        self.dimensions = dimensions
        self.side = side
        self.batch_size = batch_size

    def embed(self, pictures: np.ndarray) -> np.ndarray:
        starts = range(0, len(pictures), self.batch_size)
        batches = [self._embed_batch(pictures[start : start + self.batch_size]) for start in starts]
        return np.concatenate(batches) if batches else np.empty((0, self.dimensions), np.float32)

    def embed_batches(self, batches):  # type: ignore
        yield from map(self.embed, batches)

    def _embed_batch(self, pictures: np.ndarray) -> np.ndarray:
        padding = np.zeros((self.batch_size - len(pictures), *pictures.shape[1:]), np.uint8)
        with torch.inference_mode():
            batch = torch.from_numpy(np.concatenate([pictures, padding])).permute(0, 3, 1, 2).float() / 255
            batch = (batch - torch.tensor(IMAGENET_MEAN).view(3, 1, 1)) / torch.tensor(IMAGENET_STD).view(3, 1, 1)
            return self._features(batch).numpy()[: len(pictures)].copy()
