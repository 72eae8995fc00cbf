"""TorchScript: an archive in torch's own language, whose pickles torch's C++ code reads without Python.

The language still has operators that write or map files. A model does not need them, and one that uses them is refused before
it is loaded.
"""

from __future__ import annotations

import re
import warnings
from io import BytesIO

import torch
from torch import nn

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.files.archive import members_of
from medsearch_pipeline.models.metadata import Input
from medsearch_pipeline.models.network import FromPixels

TOUCHES_FILES = re.compile(rb"\b(?:torch|aten)\s*\.\s*(save|from_file)\b")


def graph_of(name: str, data: bytes, model_input: Input) -> nn.Module:
    """The model with the normalization in front.

    Raises:
        ConfigurationError: it is not TorchScript, or uses an operator that accesses files.
    """
    try:
        members = members_of(data)
    except RuntimeError as error:
        raise ConfigurationError(f"{name} is not TorchScript: save it with torch.jit.save") from error
    for member, text in members.items():
        found = member.startswith("code/") and TOUCHES_FILES.search(text)
        if found:
            raise ConfigurationError(f"{name} is refused: its code calls {found[1].decode()}, which accesses files")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch deprecates TorchScript
            module = torch.jit.load(BytesIO(data), map_location="cpu")
    except (RuntimeError, ValueError) as error:
        raise ConfigurationError(
            f"{name} is not TorchScript, or damaged: save it with torch.jit.save. For a state dict, set MEDSEARCH_MODEL to its "
            "architecture"
        ) from error
    return FromPixels(module.eval(), model_input).eval()
