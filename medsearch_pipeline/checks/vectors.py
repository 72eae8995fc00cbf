"""Whether every image has one valid vector, and whether the index holds the same unit vector."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from medsearch_core.errors import ObjectNotFound
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import ImageDocument
from medsearch_core.search.unit_vectors import normalized
from medsearch_core.storage.warehouse import Warehouse, study_path

READERS = 16
SAMPLE = 64
MIN_COSINE = 0.999
"""Between a vector and its indexed form, which may have half precision."""
LENGTH_TOLERANCE = 1e-3


def faults_of_embeddings(
    tables: Warehouse, studies: Sequence[StudyKey], dimensions: int
) -> tuple[dict[StudyKey, str], dict[StudyKey, str]]:
    """Problems of the studies' embeddings: studies whose images and vectors do not correspond, and studies with invalid
    vectors.

    Raises:
        StorageError: the store cannot be read.
    """

    def of(study: StudyKey) -> tuple[str | None, str | None]:
        images = _column(tables, "dicom_metadata", study, "image_id")
        embeddings = _column(tables, "embeddings", study, "image_id", "vector")
        if images is None or embeddings is None:
            return "a file is missing or cannot be read", None
        unpaired = fault_of_ids(images["image_id"].to_pylist(), embeddings["image_id"].to_pylist())
        return unpaired, fault_of_vectors(embeddings["vector"], dimensions)

    with ThreadPoolExecutor(READERS) as readers:
        found = dict(zip(studies, readers.map(of, studies), strict=True))
    unpaired, unusable = ({study: fault for study, of in found.items() if (fault := of[which])} for which in (0, 1))
    return unpaired, unusable


def fault_of_ids(images: Iterable[str], embedded: Sequence[str]) -> str | None:
    """How a study's vectors do not match its images; None if there is one vector per image."""
    due, held = set(images), set(embedded)
    if due == held and len(held) == len(embedded):
        return None
    double = len(embedded) - len(held)
    return f"{len(due - held)} images have no vector, {len(held - due)} vectors have no image and {double} are duplicates"


def fault_of_vectors(vectors: pa.ChunkedArray, dimensions: int) -> str | None:
    """Why a study's vectors are invalid; None if all are finite, have the model's dimensions and are not all zero."""
    lengths = pc.list_value_length(vectors).to_numpy(zero_copy_only=False)
    if (lengths != dimensions).any():
        return f"{int((lengths != dimensions).sum())} vectors do not have the model's {dimensions} dimensions"
    values = np.asarray(pc.list_flatten(vectors), np.float32).reshape(len(lengths), dimensions)
    broken, zero = (~np.isfinite(values).all(axis=1)).sum(), (~values.any(axis=1)).sum()
    return f"{broken} vectors are not finite and {zero} are all zero" if broken or zero else None


def faults_of_indexed_vectors(
    images: Sequence[ImageDocument], indexed: Sequence[Sequence[float] | None]
) -> Mapping[StudyKey, str]:
    """Studies with an image whose unit vector is missing from the index or differs. A zero vector has none."""
    faults = {}
    for image, vector in zip(images, indexed, strict=True):
        expected = normalized(image.vector)
        if expected.any() and not _is_normalized(expected, vector):
            faults[StudyKey(image.patient, image.study)] = (
                "the vector of one of its images is missing from the index or differs"
            )
    return faults


def _is_normalized(expected: np.ndarray, indexed: Sequence[float] | None) -> bool:
    if indexed is None or len(indexed) != len(expected):
        return False
    vector = np.asarray(indexed, np.float64)
    return bool(abs(np.linalg.norm(vector) - 1) <= LENGTH_TOLERANCE and vector @ expected >= MIN_COSINE)


def _column(tables: Warehouse, table: str, study: StudyKey, *columns: str) -> pa.Table | None:
    try:
        return tables.written(study_path(table, study), columns).rows
    except (ObjectNotFound, pa.ArrowException):
        return None
