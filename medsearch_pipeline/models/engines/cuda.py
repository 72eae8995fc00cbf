"""What is particular to NVIDIA's GPUs: torch's flags for them, and how many pictures fit."""

from __future__ import annotations

import torch

from medsearch_pipeline.models.engines.torch_engine import TorchEngine

LARGEST = 256
"""Pictures at once, at most: more do not make a GPU faster."""
SHARE = 0.8
"""Of the free memory; the rest is for what fragments and for cuDNN's workspaces."""


def set_flags() -> None:
    """cuDNN measures its algorithms for the one shape there is; fp32 is fp32, for TF32 rounds to ten bits."""
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def batch_for(free_bytes: int, bytes_per_picture: int) -> int:
    """How many pictures fit: a power of two, at least 1."""
    fit = max(1, min(LARGEST, int(free_bytes * SHARE) // max(1, bytes_per_picture)))
    return 1 << (fit.bit_length() - 1)


def bytes_per_picture(engine: TorchEngine) -> int:
    """What a picture needs on a GPU, from the peak of a forward of as many as the engine takes at once."""
    import numpy as np

    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(engine.device)
    before = torch.cuda.memory_allocated(engine.device)
    engine.run(np.zeros((engine.at_once, engine.side, engine.side, 3), np.uint8))
    return (torch.cuda.max_memory_allocated(engine.device) - before) // engine.at_once
