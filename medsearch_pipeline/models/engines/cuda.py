"""NVIDIA GPUs: torch's flags for them, and how many images fit."""

from __future__ import annotations

import torch

from medsearch_pipeline.models.engines.torch_engine import TorchEngine

LARGEST = 256
"""Maximum images per batch: more do not make a GPU faster."""
SHARE = 0.8
"""Share of the free memory; the rest is for fragmentation and cuDNN's workspaces."""


def set_flags() -> None:
    """Lets cuDNN benchmark its algorithms for the one input shape, and disables TF32, which rounds to ten bits."""
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def batch_for(free_bytes: int, bytes_per_picture: int) -> int:
    """How many images fit: a power of two, at least 1."""
    fit = max(1, min(LARGEST, int(free_bytes * SHARE) // max(1, bytes_per_picture)))
    return 1 << (fit.bit_length() - 1)


def bytes_per_picture(engine: TorchEngine) -> int:
    """GPU memory per image, from the peak of one forward pass of a full batch."""
    import numpy as np

    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(engine.device)
    before = torch.cuda.memory_allocated(engine.device)
    engine.run(np.zeros((engine.at_once, engine.side, engine.side, 3), np.uint8))
    return (torch.cuda.max_memory_allocated(engine.device) - before) // engine.at_once
