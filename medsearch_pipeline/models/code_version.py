"""A model's identity before it is loaded: its code version, which changes with architecture, weights and preprocessing.

Does not import torch. The version of the loaded model (`Embedder.model_version`) is known only after loading. Every run that
loads a model records it in the warehouse with its code version, so that others need not load it (`record_model`,
`recorded_models`).
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from medsearch_core.errors import ObjectNotFound, StorageError
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.models.metadata import path_of, sha256_of
from medsearch_pipeline.models.preprocessing import PREPROCESSING_VERSION
from medsearch_pipeline.models.protocol import Embedder

NAMED_WEIGHTS = ("imagenet", "random")
FOLDER = "models"

ModelVersion = tuple[str, str]
"""model_id and model_version."""


def code_version_of(model: str, weights: str) -> str:
    """The code version of a model with the configured weights; of a file, by its bytes, read once per process.

    The metadata beside it count too, because they define the normalization of images. A missing file has the version
    `missing`; the run that needs it reports what to do.
    """
    name = model.replace(":", "-")
    if weights in NAMED_WEIGHTS:
        return f"{name}-{weights}-p{PREPROCESSING_VERSION}"
    file = Path(weights).expanduser()
    digest = _digest_if_there(file) or "missing"
    described = _digest_if_there(path_of(file))
    return f"{name}-{digest}{f'-{described[:8]}' if described else ''}-p{PREPROCESSING_VERSION}"


def record_model(warehouse: Warehouse, code_version: str, embedder: Embedder) -> None:
    """Records which model a code version stands for. Written only if it differs from the record."""
    named = {"model_id": embedder.model_id, "model_version": embedder.model_version}
    data = json.dumps(named, sort_keys=True).encode()
    path = f"{FOLDER}/{code_version}.json"
    try:
        if warehouse.store.read(path) == data:
            return
    except ObjectNotFound:
        pass
    warehouse.store.write(path, data)


def recorded_models(warehouse: Warehouse) -> dict[str, ModelVersion]:
    """Code version → the model it stands for, of every model that has embedded for this warehouse.

    Raises:
        StorageError: the store cannot be read, or a record is damaged.
    """
    found = {}
    for entry in warehouse.store.list(FOLDER):
        if not entry.key.endswith(".json"):
            continue
        try:
            named = json.loads(warehouse.store.read(entry.key))
            found[entry.key.removeprefix(f"{FOLDER}/").removesuffix(".json")] = (named["model_id"], named["model_version"])
        except (ValueError, KeyError, TypeError) as error:
            raise StorageError(f"{entry.key} is damaged: delete it; the next run of embeddings writes it again") from error
    return found


def _digest_if_there(file: Path) -> str | None:
    try:
        stat = file.stat()
        return _digest_of(file, stat.st_size, stat.st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=8)
def _digest_of(file: Path, size: int, mtime_ns: int) -> str:
    return sha256_of(file)[:16]
