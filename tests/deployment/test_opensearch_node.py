"""The node is a real OpenSearch: it indexes, answers filtered k-NN as exact search does, keeps its data, and stops cleanly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from opensearchpy import OpenSearch
from opensearchpy.helpers import bulk

from tests.support.opensearch_node import node

CACHE = Path.home() / ".cache" / "medsearch" / "opensearch"
MAPPING = {
    "settings": {"index": {"knn": True}},
    "mappings": {
        "properties": {
            "parity": {"type": "keyword"},
            "text": {"type": "text"},
            "vector": {
                "type": "knn_vector",
                "dimension": 16,
                "method": {"name": "hnsw", "engine": "lucene", "space_type": "cosinesimil"},
            },
        }
    },
}


def test_a_real_node_answers_filtered_k_nn_and_words_and_keeps_its_data(tmp_path: Path) -> None:
    vectors = np.random.default_rng(3).normal(size=(200, 16))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    with node.start(cache=CACHE, home=tmp_path / "node") as server:
        client = OpenSearch(server.url)
        client.indices.create(index="images", body=MAPPING)
        documents = [
            {"_index": "images", "_id": str(n), "parity": ("even", "odd")[n % 2], "text": f"image {n}", "vector": v.tolist()}
            for n, v in enumerate(vectors)
        ]
        assert bulk(client, documents, refresh=True) == (200, [])
        knn = {"vector": vectors[7].tolist(), "k": 10, "filter": {"term": {"parity": "even"}}}
        found = client.search(index="images", body={"size": 10, "query": {"knn": {"vector": knn}}})["hits"]["hits"]
        exact = [str(n) for n in np.argsort(-(unit @ unit[7])) if n % 2 == 0][:10]
        assert [hit["_id"] for hit in found] == exact
        words = client.search(index="images", body={"query": {"match": {"text": "42"}}})["hits"]["hits"]
        assert [hit["_id"] for hit in words] == ["42"]
        assert server.stop() == 0
    with node.start(cache=CACHE, home=tmp_path / "node") as again:
        assert OpenSearch(again.url).count(index="images")["count"] == 200
