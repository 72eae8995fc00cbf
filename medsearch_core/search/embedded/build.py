"""The content of a new segment, made from documents.

Belongs here: the order of rows. Studies are sorted by key, their images and reports by id, so a study's rows stand together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import orjson

from medsearch_core.search.documents import ImageDocument, StudyDocuments, fields_of
from medsearch_core.search.embedded.arrays import Array, Stream
from medsearch_core.search.embedded.fields import AGE, CODES, COLUMNS, ID, IMAGE, KINDS, REPORT, spelled_alike, values_of
from medsearch_core.search.embedded.postings import Postings
from medsearch_core.search.embedded.strings import Strings, encoded
from medsearch_core.search.embedded.words import Words
from medsearch_core.search.model import Model
from medsearch_core.search.query import TextField
from medsearch_core.search.unit_vectors import normalized
from medsearch_core.search.validation import storable


def content_of(studies: Sequence[StudyDocuments], model: Model | None) -> tuple[dict[str, Array | Stream], dict[str, Any]]:
    """The arrays and the description of a segment of these studies, each given once."""
    ordered = sorted(studies, key=lambda study: encoded(study.study.partition))
    arrays: dict[str, Array | Stream] = {}
    keys = Strings.of([encoded(study.study.partition) for study in ordered])
    inputs = Strings.of([encoded(study.inputs) for study in ordered])
    arrays |= {"studies": keys.data, "studies.ends": keys.ends, "inputs": inputs.data, "inputs.ends": inputs.ends}
    for kind in KINDS:
        of_study = [_last_of_each(kind, study.images if kind == IMAGE else study.reports) for study in ordered]
        documents = [fields_of(document) for some in of_study for document in some]
        arrays[f"{kind}.ends"] = np.cumsum([len(some) for some in of_study], dtype=np.int64)
        arrays |= _columns(kind, documents)
        if kind == IMAGE and documents and model is not None:
            images = [image for some in of_study for image in some if isinstance(image, ImageDocument)]
            arrays["vectors"] = np.stack([normalized(image.vector) for image in images])
    return arrays, description(model)


def description(model: Model | None) -> dict[str, Any]:
    """A segment's own description: the model of its images."""
    return {"model": None if model is None else asdict(model)}


def _last_of_each(kind: str, documents: Sequence[Any]) -> list[Any]:
    by_id = {getattr(document, ID[kind]): document for document in documents}
    return [by_id[id_] for id_ in sorted(by_id, key=encoded)]


def _columns(kind: str, documents: Sequence[Mapping[str, Any]]) -> dict[str, Array | Stream]:
    arrays: dict[str, Array | Stream] = {}
    for field in sorted(COLUMNS[kind]):
        arrays |= Postings.of(values_of(document, field) for document in documents).arrays(f"{kind}.{field}")
    for field, column in CODES.items():
        arrays |= Postings.of(spelled_alike(document, field) for document in documents).arrays(f"{kind}.{column}")
    ages = [document[AGE] for document in documents]
    arrays[f"{kind}.{AGE}"] = np.array([np.nan if age is None else age for age in ages], np.float64)
    stored = Strings.of([_json(document) for document in documents])
    arrays |= {f"{kind}.documents": stored.data, f"{kind}.documents.ends": stored.ends}
    if kind == REPORT and documents:
        for text in TextField:
            arrays |= Words.of([document[text.value] for document in documents]).arrays(f"{kind}.{text.value}")
    return arrays


def _json(document: Mapping[str, Any]) -> bytes:
    """A document as JSON. A lone surrogate, which cannot be stored, becomes U+FFFD."""
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in document.items()}
    try:
        return orjson.dumps(given)
    except TypeError:
        return storable(json.dumps(given, ensure_ascii=False)).encode()
