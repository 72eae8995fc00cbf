"""TorchScript: an archive of a language of torch's own, whose pickles torch's C++ reads without Python.

What remains are operators of that language that write or map files. A model has no use for them, and one that names them is
refused before anything of it is loaded.
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
    """The model behind its normalisation.

    Raises:
        ConfigurationError: it is no TorchScript, or names an operator that reaches for files.
    """
    try:
        members = members_of(data)
    except RuntimeError as error:
        raise ConfigurationError(f"{name} is not TorchScript: save it with torch.jit.save") from error
    for member, text in members.items():
        found = member.startswith("code/") and TOUCHES_FILES.search(text)
        if found:
            raise ConfigurationError(f"{name} is refused: its code calls {found[1].decode()}, which reaches for files")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that torch deprecates it
            module = torch.jit.load(BytesIO(data), map_location="cpu")
    except (RuntimeError, ValueError) as error:
        raise ConfigurationError(
            f"{name} is not TorchScript, or damaged: save it with torch.jit.save. For a state dict, set MEDSEARCH_MODEL to its "
            "architecture"
        ) from error
    return FromPixels(module.eval(), model_input).eval()
