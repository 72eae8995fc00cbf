"""The schema on OpenSearch: settings, analyzer and explicit mappings of the two indexes of a release.

Every field is mapped; a document with another field is rejected (`dynamic: strict`). Only the writer refreshes indexes
(`refresh_interval: -1`), and a study's documents share a shard (by routing), so that readers see a study completely or not at
all. Vectors are stored once: if the version supports it, documents take the vector from the k-NN field ("derived source").
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from medsearch_core.search.documents import ImageDocument, ReportDocument
from medsearch_core.search.model import Model
from medsearch_core.search.opensearch.options import IndexLayout
from medsearch_core.search.query import MAX_DEPTH, TextField
from medsearch_core.search.tokens import LONGEST, STOP_WORDS, medical_forms

ANALYZER = "medical_english"
DERIVED_SOURCE_SINCE = (2, 19)

KEYWORD: dict[str, Any] = {"type": "keyword"}
STORED: dict[str, Any] = {"type": "keyword", "index": False, "doc_values": False}
SHOWN_TEXT: dict[str, Any] = {"type": "text", "index": False}
SEARCHED_TEXT: dict[str, Any] = {"type": "text", "analyzer": ANALYZER}

_FIELDS: dict[str, dict[str, Any]] = {
    "patient_age_years": {"type": "double"},
    "study_date": {"type": "date", "format": "strict_date"},
    "is_representative": {"type": "boolean"},
    "source_key": STORED,
    "sha256": STORED,
    "examination": SHOWN_TEXT,
    "indication": SHOWN_TEXT,
    "technique": SHOWN_TEXT,
    **{field.value: SEARCHED_TEXT for field in TextField},
}
"""The fields that are not keywords."""

BOOKKEEPING: dict[str, dict[str, Any]] = {
    "study_key": KEYWORD,
    "inputs": KEYWORD,
    "stands_for_study": {"type": "boolean"},
}
"""Additional fields. One document represents its study: it is written last, so if it exists, all documents do."""

ANALYSIS: dict[str, Any] = {
    "tokenizer": {"letters_and_digits": {"type": "pattern", "pattern": r"[^\p{L}\p{N}]+"}},
    "filter": {
        "not_too_long": {"type": "length", "max": LONGEST},
        "medical_forms": {"type": "synonym", "synonyms": [f"{a} => {b}" for a, b in sorted(medical_forms().items())]},
        "stop_words": {"type": "stop", "stopwords": sorted(STOP_WORDS)},
        "stems": {"type": "stemmer", "language": "porter2"},
    },
    "analyzer": {
        ANALYZER: {
            "type": "custom",
            "tokenizer": "letters_and_digits",
            "filter": ["not_too_long", "lowercase", "medical_forms", "stop_words", "stems", "asciifolding"],
        }
    },
}
"""`medsearch_core.search.tokens` as an analyzer."""


def images_index(layout: IndexLayout, model: Model, release: str, version: tuple[int, ...]) -> dict[str, Any]:
    """The body that creates a release's image index."""
    settings = _settings(layout) | {"knn": True}
    if version >= DERIVED_SOURCE_SINCE:
        settings["knn.derived_source.enabled"] = True
    meta = {
        "release": release,
        "model_id": model.model_id,
        "model_version": model.model_version,
        "dimensions": model.dimensions,
    }
    properties = {**_properties(ImageDocument), "vector": vector_field(layout, model.dimensions)}
    return {"settings": {"index": settings}, "mappings": {"dynamic": "strict", "_meta": meta, "properties": properties}}


def reports_index(layout: IndexLayout, release: str, created: str) -> dict[str, Any]:
    """The body that creates a release's report index."""
    settings = _settings(layout) | {"analysis": ANALYSIS, "merge.policy.expunge_deletes_allowed": 1}
    meta = {"release": release, "created": created}
    properties = _properties(ReportDocument)
    return {"settings": {"index": settings}, "mappings": {"dynamic": "strict", "_meta": meta, "properties": properties}}


def vector_field(layout: IndexLayout, dimensions: int) -> dict[str, Any]:
    """The k-NN field's mapping."""
    parameters: dict[str, Any] = {"m": layout.m, "ef_construction": layout.ef_construction}
    if layout.compression == "fp16":
        parameters["encoder"] = {"name": "sq", "parameters": {"type": "fp16"}}
    field: dict[str, Any] = {
        "type": "knn_vector",
        "dimension": dimensions,
        "method": {"name": "hnsw", "engine": layout.engine, "space_type": layout.space_type, "parameters": parameters},
    }
    if layout.engine == "lucene":
        field["doc_values"] = False  # a second copy, which this engine never reads
    if layout.compression == "on_disk":
        field |= {"mode": "on_disk", "compression_level": "32x" if layout.engine == "faiss" else "4x"}
    return field


def _settings(layout: IndexLayout) -> dict[str, Any]:
    """A new index's settings: replicas are added after it is loaded."""
    return {
        "number_of_shards": layout.shards,
        "number_of_replicas": 0,
        "refresh_interval": "-1",
        "max_result_window": MAX_DEPTH,
    }


def _properties(kind: type) -> dict[str, Any]:
    names = [f.name for f in fields(kind) if f.name != "vector"]
    return BOOKKEEPING | {name: _FIELDS.get(name, KEYWORD) for name in names}
