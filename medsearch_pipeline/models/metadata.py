"""`ModelMetadata`: the metadata required to use a weights file, in a JSON file beside it. Does not import torch.

`model.onnx` has `model.json`. A model in a file needs one; weights for a known architecture may have one.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from medsearch_core.errors import ConfigurationError

Channel = Annotated[float, Field(ge=-10, le=10)]
Spread = Annotated[float, Field(gt=0, le=10)]


class Input(BaseModel):
    """A network's input: a square of `side` pixels, normalized by channel as `(value / 255 - mean) / std`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: int = Field(ge=16, le=4096)
    mean: tuple[Channel, Channel, Channel] = (0.485, 0.456, 0.406)
    std: tuple[Spread, Spread, Spread] = (0.229, 0.224, 0.225)


class ModelMetadata(Input):
    """The metadata of one file."""

    model_id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    dimensions: int = Field(ge=1, le=16384)
    licence: str = Field(min_length=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")

    @property
    def input(self) -> Input:
        """The network's input."""
        return Input(side=self.side, mean=self.mean, std=self.std)


def path_of(file: Path) -> Path:
    """The path of a file's metadata."""
    return file.with_suffix(".json")


def metadata_of(file: Path) -> ModelMetadata | None:
    """The metadata beside a file, if any.

    Raises:
        ConfigurationError: they cannot be read, are incomplete, or describe another file.
    """
    path = path_of(file)
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path.name} beside {file.name} cannot be read: {error.strerror}") from error
    try:
        metadata = ModelMetadata.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigurationError(
            f"{path.name} beside {file.name} is not a model's metadata: {where}: {first['msg']}"
        ) from error
    found = sha256_of(file)
    if found != metadata.sha256:
        raise ConfigurationError(
            f"{file.name} is not the file that {path.name} describes: its SHA-256 is {found}. "
            "Put the right file there, or write its metadata again"
        )
    return metadata


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
