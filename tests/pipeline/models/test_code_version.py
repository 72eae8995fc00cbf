"""What a model is called before it is loaded, and what the warehouse remembers of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from medsearch_core.errors import StorageError
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.models.code_version import code_version_of, record_model, recorded_models


class Model:
    model_id, model_version, engine, measurements = "net-imagenet", "aaaa-224px-p1", "none", None
    dimensions, side, batch_size = 4, 224, 1

    def embed(self, pictures: np.ndarray) -> np.ndarray:
        return np.zeros((len(pictures), self.dimensions), np.float32)

    def embed_batches(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        return map(self.embed, batches)


def test_a_files_bytes_are_part_of_the_version_and_its_name_is_not(tmp_path: Path) -> None:
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    one.write_bytes(b"weights")
    two.write_bytes(b"weights")
    first = code_version_of("densenet121", str(one))
    assert first == code_version_of("densenet121", str(two))
    one.write_bytes(b"other weights")
    assert code_version_of("densenet121", str(one)) != first
    assert code_version_of("densenet121", str(tmp_path / "none")) == "densenet121-missing-p1"
    named = {code_version_of(model, weights) for model in ("densenet121", "other") for weights in ("imagenet", "random")}
    assert named == {f"{model}-{weights}-p1" for model in ("densenet121", "other") for weights in ("imagenet", "random")}


def test_it_is_known_without_torch() -> None:
    said = "import sys; import medsearch_pipeline.definitions, medsearch_pipeline.upkeep; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", said]).returncode == 0


def test_the_warehouse_remembers_which_model_it_stands_for(tmp_path: Path) -> None:
    warehouse = Warehouse(open_store(str(tmp_path)))
    assert recorded_models(warehouse) == {}
    record_model(warehouse, "net-imagenet-p1", Model())
    tag = warehouse.store.info("models/net-imagenet-p1.json").etag
    record_model(warehouse, "net-imagenet-p1", Model())
    assert warehouse.store.info("models/net-imagenet-p1.json").etag == tag
    assert recorded_models(warehouse) == {"net-imagenet-p1": ("net-imagenet", "aaaa-224px-p1")}
    warehouse.store.write("models/net-imagenet-p1.json", b"{}")
    with pytest.raises(StorageError, match="is damaged: delete it"):
        recorded_models(warehouse)
