"""Exported programs (`torch.export.save`), read only if nothing in the archive would make torch run code.

`torch.export.load` unpickles what an archive marks as pickled (`use_pickle`, custom and opaque constants), falls back to full
pickles for example inputs, evaluates symbolic shapes as Python, resolves operators anywhere in `torch`, and loads compiled
libraries. Here an archive with anything but plain tensors, plain shapes and operators of ATen is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import BytesIO
from pickle import UnpicklingError
from typing import Any

import torch
from torch import nn
from torch.export.pt2_archive._package import load_pt2

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.files.archive import members_of
from medsearch_pipeline.models.metadata import Input
from medsearch_pipeline.models.network import FromPixels

PLAIN = re.compile(
    r"archive_format|archive_version|byteorder|version|\.data/\w+|\.format_version|"
    r"models/model\.json|data/(?:weights|constants)/(?:model_(?:weights|constants)_config\.json|weight_\d+|tensor_\d+)|"
    r"data/sample_inputs/model\.pt"
)
"""Members of an archive that hold tensors and text."""
OPERATOR = re.compile(
    r"torch\.ops\.aten\.(?!from_file\b|save\b)\w+\.\w+|_operator\.(?:getitem|add|sub|mul|floordiv|mod|neg|eq|ne|lt|le|gt|ge)"
)
SHAPE = re.compile(
    r"(?:\b(?:[suz]+\d+|Symbol|Integer|Add|Mul|Max|Min|Mod|PythonMod|FloorDiv|CleanDiv|positive|nonnegative|integer|True|False)\b"
    r"|[\d\s()+*,='-])*"
)
"""Arithmetic of named sizes, as sympy writes it: no attribute, no underscore, no other name."""
CONTAINERS = {"builtins.tuple", "builtins.list", "builtins.dict", None}


def graph_of(name: str, data: bytes, model_input: Input) -> nn.Module:
    """The program with the normalization in front.

    Raises:
        ConfigurationError: it is not an exported program, or contains something that torch would run.
    """
    try:
        members = members_of(data)
        faults = list(faults_of(members))
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{name} is not an exported program: save it with torch.export.save") from error
    if faults:
        raise ConfigurationError(f"{name} is refused because torch would run its content: {faults[0]}")
    try:
        program = load_pt2(BytesIO(data)).exported_programs["model"]
    except (RuntimeError, ValueError, KeyError, AssertionError) as error:
        raise ConfigurationError(
            f"{name} cannot be read by torch {torch.__version__}: export it again with this version"
        ) from error
    return FromPixels(program.module(), model_input)


def faults_of(members: dict[str, bytes]) -> Iterator[str]:
    """Parts of an archive that torch would run, each in a few words."""
    yield from (f"a member called {member}" for member in members if not PLAIN.fullmatch(member))
    for part in ("weights", "constants"):
        config = json.loads(members[f"data/{part}/model_{part}_config.json"])["config"]
        for tensor, entry in config.items():
            if entry["use_pickle"] or not re.fullmatch(r"(?:weight|tensor)_\d+", entry["path_name"]):
                yield f"a pickle for {tensor}"
    try:
        torch.load(BytesIO(members["data/sample_inputs/model.pt"]), weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, ValueError):
        yield "a pickle with code as its example inputs"
    yield from _faults_of_program(json.loads(members["models/model.json"]))


def _faults_of_program(program: Any) -> Iterator[str]:
    """Walks the program's JSON: all operators, symbolic shapes and containers must be of known kinds."""
    if isinstance(program, list):
        for each in program:
            yield from _faults_of_program(each)
    elif isinstance(program, dict):
        for key, value in program.items():
            if key == "target" and isinstance(value, str) and not OPERATOR.fullmatch(value):
                yield f"the operator {value}"
            elif key == "expr_str" and not SHAPE.fullmatch(str(value)):
                yield f"the shape {value}"
            elif key == "range_constraints":
                yield from (f"the shape {symbol}" for symbol in value if not SHAPE.fullmatch(symbol))
            elif key in ("in_spec", "out_spec"):
                yield from (f"the container {kind}" for kind in _containers(json.loads(value)) if kind not in CONTAINERS)
            else:
                yield from _faults_of_program(value)


def _containers(spec: Any) -> Iterator[str | None]:
    if isinstance(spec, list):
        for each in spec:
            yield from _containers(each)
    elif isinstance(spec, dict):
        yield spec["type"]
        yield from _containers(spec["children_spec"])
