"""Queries in OpenSearch's query language, and cosines from its scores. Nothing here sends a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medsearch_core.search.opensearch.filters import Clause
from medsearch_core.search.opensearch.options import IndexLayout, SpaceType
from medsearch_core.search.query import TextField

VECTOR = "vector"
"""The vector field of an image."""

EXACT_SPACE: SpaceType = "innerproduct"
"""The space of exact comparisons, independent of the graph's space."""

FACET_CANDIDATES = 20_000
"""How many values each shard returns, so that the most frequent values over all shards are counted exactly."""


def text_query(words: Sequence[str], fields: Sequence[TextField], where: list[Clause]) -> Clause:
    """Reports with any of the words in any of the fields, BM25 scores summed; all reports if there are no words."""
    if not words:
        return {"bool": {"filter": where}}
    matches = [{"match": {field.value: {"query": " ".join(words)}}} for field in fields]
    return {"bool": {"should": matches, "minimum_should_match": 1, "filter": where}}


def values_of(field: str, size: int) -> Clause:
    """The most frequent values of a field, by count, then value."""
    order = [{"_count": "desc"}, {"_key": "asc"}]
    return {"terms": {"field": field, "size": size, "shard_size": FACET_CANDIDATES, "order": order}}


def approximate_knn(vector: Any, where: list[Clause], k: int, layout: IndexLayout) -> Clause:
    """The k most similar of the matching images, by the approximate graph. `vector` has length 1."""
    knn: dict[str, Any] = {"vector": vector, "k": k, "method_parameters": {"ef_search": max(layout.ef_search, k)}}
    if where:
        knn["filter"] = {"bool": {"filter": where}}
    return {"knn": {VECTOR: knn}}


def exact_knn(vector: Any, where: list[Clause]) -> Clause:
    """All matching images, scored one by one in `EXACT_SPACE`. `vector` has length 1."""
    params = {"field": VECTOR, "query_value": vector, "space_type": EXACT_SPACE}
    with_vector = {"bool": {"filter": [*where, {"exists": {"field": VECTOR}}]}}
    script = {"lang": "knn", "source": "knn_score", "params": params}
    return {"script_score": {"query": with_vector, "script": script}}


def cosine_of(score: float, space_type: SpaceType) -> float:
    """The cosine for a score of vectors of length 1. See "Spaces" in OpenSearch's k-NN documentation."""
    if space_type == "cosinesimil":
        cosine = 2 * score - 1
    elif space_type == "l2":
        cosine = 1 - (1 / score - 1) / 2
    else:
        cosine = score - 1 if score >= 1 else 1 - 1 / score
    return round(cosine, 6) + 0.0
