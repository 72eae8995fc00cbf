"""The model of an index's vectors, and the rule that an index never mixes two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medsearch_core.errors import IndexMismatch
from medsearch_core.search.documents import StudyDocuments


@dataclass(frozen=True)
class Model:
    """The model that embedded a set of images. `dimensions` is the length of its vectors."""

    model_id: str
    model_version: str
    dimensions: int

    def __str__(self) -> str:
        return f"{self.model_id} {self.model_version} ({self.dimensions} dimensions)"


def model_of(studies: Sequence[StudyDocuments]) -> Model | None:
    """The model of all these studies' images; None if there are no images.

    Raises:
        IndexMismatch: there is more than one model, or a vector is empty or not finite.
    """
    images = [image for study in studies for image in study.images]
    models = {Model(i.model_id, i.model_version, len(i.vector)) for i in images}
    if len(models) > 1:
        raise IndexMismatch("the images' vectors differ in model, version or length")
    if not all(len(i.vector) and np.isfinite(np.asarray(i.vector, np.float32)).all() for i in images):
        raise IndexMismatch("an image's vector is empty or not finite")
    return models.pop() if models else None


def check_same(expected: Model | None, stored: Model | None) -> None:
    """
    Raises:
        IndexMismatch: both are given and differ.
    """
    if expected and stored and expected != stored:
        raise IndexMismatch(
            f"the index holds vectors of {stored}, not of {expected}: build a release for them (medsearch reindex)"
        )
