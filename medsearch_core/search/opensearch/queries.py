"""OpenSearch's query language for what is asked, and cosines out of its scores. Nothing here asks anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medsearch_core.search.opensearch.filters import Clause
from medsearch_core.search.opensearch.options import IndexLayout, SpaceType
from medsearch_core.search.query import TextField

VECTOR = "vector"
"""The field of an image's vector."""

EXACT_SPACE: SpaceType = "innerproduct"
"""How vectors are compared one by one, whatever the graph's space."""

FACET_CANDIDATES = 20_000
"""How many values each shard counts, so that the most frequent of all shards are counted exactly."""


def text_query(words: Sequence[str], fields: Sequence[TextField], where: list[Clause]) -> Clause:
    """Reports that hold any of the words in any of the fields, their BM25 scores summed; all reports without words."""
    if not words:
        return {"bool": {"filter": where}}
    matches = [{"match": {field.value: {"query": " ".join(words)}}} for field in fields]
    return {"bool": {"should": matches, "minimum_should_match": 1, "filter": where}}


def values_of(field: str, size: int) -> Clause:
    """The most frequent values of a field, by count, then value."""
    order = [{"_count": "desc"}, {"_key": "asc"}]
    return {"terms": {"field": field, "size": size, "shard_size": FACET_CANDIDATES, "order": order}}


def approximate_knn(vector: Any, where: list[Clause], k: int, layout: IndexLayout) -> Clause:
    """The k images most alike among those that match, by the graph of neighbours. `vector` has length 1."""
    knn: dict[str, Any] = {"vector": vector, "k": k, "method_parameters": {"ef_search": max(layout.ef_search, k)}}
    if where:
        knn["filter"] = {"bool": {"filter": where}}
    return {"knn": {VECTOR: knn}}


def exact_knn(vector: Any, where: list[Clause]) -> Clause:
    """All images that match, scored one by one in `EXACT_SPACE`. `vector` has length 1."""
    params = {"field": VECTOR, "query_value": vector, "space_type": EXACT_SPACE}
    with_vector = {"bool": {"filter": [*where, {"exists": {"field": VECTOR}}]}}
    script = {"lang": "knn", "source": "knn_score", "params": params}
    return {"script_score": {"query": with_vector, "script": script}}


def cosine_of(score: float, space_type: SpaceType) -> float:
    """The cosine behind a score of vectors of length 1. See "Spaces" in OpenSearch's k-NN documentation."""
    if space_type == "cosinesimil":
        cosine = 2 * score - 1
    elif space_type == "l2":
        cosine = 1 - (1 / score - 1) / 2
    else:
        cosine = score - 1 if score >= 1 else 1 - 1 / score
    return round(cosine, 6) + 0.0
