"""Measures the service: `python -m benchmarks.serving --images 50000 --clients 16 [--opensearch http://localhost:9200]`.

The corpus of `search.py` is loaded into an index, the service runs on it as its own process, and clients query it with GraphQL
over HTTP, each one query at a time. For comparison, the same run queries the index directly, one query at a time, and sends
`{ __typename }` over HTTP from the same number of clients. Prints Markdown.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import numpy as np

from benchmarks.search import WORDS, Corpus, load, processor, timed
from medsearch_core.search.embedded.index import open_embedded
from medsearch_core.search.opensearch.index import open_opensearch
from medsearch_core.search.opensearch.options import Access, IndexLayout
from medsearch_core.search.releases import ReleasedIndex
from medsearch_core.search.similar_images import similar_to
from medsearch_pipeline.supervision.ports import free_port
from medsearch_pipeline.supervision.processes import Processes, answers

FIRST = 20
SIMILAR = "query($id: ID!) { similarImages(imageId: $id, first: 20) { edges { rank score node { id patient viewPosition } } } }"
FILTERED = """query($id: ID!) {
  similarImages(imageId: $id, first: 20, exclude: PATIENT, filters: {present: ["J9"], maxAgeYears: 50}) {
    totalCount edges { rank score node { id patient viewPosition } }
  }
}"""
REPORTED = """query($id: ID!) { similarImages(imageId: $id, first: 20) { edges { score node { id report { impression
  positiveDiagnoses } } } } }"""
REPORTS = (
    "query($words: String!) { searchReports(query: $words, first: 20) { totalCount edges { score node { id impression } } } }"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--dimensions", type=int, default=1024)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--requests", type=int, default=800, help="of each kind, by all clients together")
    parser.add_argument("--workers", type=int, default=0, help="worker processes of the service; 0 for its default")
    parser.add_argument("--opensearch", help="address of a cluster; without it only the embedded index is measured")
    given = parser.parse_args()
    print(f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, {given.clients} clients\n")
    print("| | p50 ms | p99 ms | responses/s | direct, p50 / p99 ms |\n|---|---|---|---|---|")
    corpus = Corpus(given.images, given.dimensions, 40)
    with tempfile.TemporaryDirectory() as folder:
        index = open_embedded(f"{folder}/index")
        load("embedded", index, corpus)
        with service(Path(folder), given.workers, MEDSEARCH_INDEX=f"{folder}/index") as address:
            measure("embedded", index, address, corpus, given)
    if given.opensearch:
        name = f"benchmark_{uuid4().hex[:8]}"
        cluster = open_opensearch(Access(url=given.opensearch), IndexLayout(replicas=0), name)
        load("OpenSearch", cluster, corpus)
        with (
            tempfile.TemporaryDirectory() as folder,
            service(Path(folder), given.workers, MEDSEARCH_INDEX=given.opensearch, MEDSEARCH_INDEX_NAME=name) as address,
        ):
            measure("OpenSearch", cluster, address, corpus, given)
        cluster.client.indices.delete(index=f"{cluster.places.images}-*,{cluster.places.reports}-*")


def measure(name: str, index: ReleasedIndex, address: str, corpus: Corpus, given: argparse.Namespace) -> None:
    chance = np.random.default_rng(2)
    ids = [f"{i:09}" for i in chance.integers(0, len(corpus.vectors), given.requests)]
    words = [" ".join(chance.choice(WORDS, 2, replace=False)) for _ in range(given.requests)]

    def row(what: str, body: Callable[[int], dict[str, Any]], direct: Callable[[int], Any] | None) -> None:
        took, rate = asyncio.run(clients(address, body, given.clients, given.requests))
        beside = "{:.1f} / {:.1f}".format(*timed(direct, min(40, given.requests))[:2]) if direct else ""
        p50, p99 = np.percentile(took, (50, 99))
        print(f"| {name}: {what} | {p50:.1f} | {p99:.1f} | {rate:.0f} | {beside} |", flush=True)

    def similar(query: str) -> Callable[[int], dict[str, Any]]:
        return lambda n: {"query": query, "variables": {"id": ids[n]}}

    row("similarImages", similar(SIMILAR), lambda n: similar_to(index, ids[n], FIRST))
    row("similarImages, filtered, with the total", similar(FILTERED), None)
    row("similarImages with their reports", similar(REPORTED), None)

    def worded(number: int) -> dict[str, Any]:
        return {"query": REPORTS, "variables": {"words": words[number]}}

    row("searchReports, two words", worded, lambda n: index.text(words[n]))
    row("`{ __typename }`", lambda n: {"query": "{ __typename }"}, None)


async def clients(address: str, body: Callable[[int], dict[str, Any]], count: int, requests: int) -> tuple[list[float], float]:
    """Milliseconds of each response, and responses per second, after a warm-up."""
    took: list[float] = []
    numbers = iter(range(requests))
    async with httpx.AsyncClient(base_url=address, timeout=120, trust_env=False) as client:

        async def ask(number: int) -> None:
            answer = await client.post("/graphql", json=body(number))
            answer.raise_for_status()
            if "errors" in answer.json():
                raise RuntimeError(answer.json()["errors"][0]["message"])

        async def one_after_the_other() -> None:
            for number in numbers:
                start = time.perf_counter()
                await ask(number)
                took.append(1000 * (time.perf_counter() - start))

        await asyncio.gather(*(ask(n) for n in range(count)))
        begun = time.perf_counter()
        await asyncio.gather(*(one_after_the_other() for _ in range(count)))
        return took, requests / (time.perf_counter() - begun)


@contextmanager
def service(folder: Path, workers: int, **settings: str) -> Iterator[str]:
    """The URL of the service, its own process on a free port, until the end of the block."""
    port = free_port(0)
    address = f"http://127.0.0.1:{port}"
    environment = {
        "MEDSEARCH_API_SIGN_IN": "development",
        "MEDSEARCH_API_PORT": str(port),
        "MEDSEARCH_API_WORKERS": str(workers),
        "MEDSEARCH_API_QUEUE_SECONDS": "120",
        "MEDSEARCH_API_REQUEST_SECONDS": "120",
        "MEDSEARCH_WAREHOUSE": str(folder / "warehouse"),
        "MEDSEARCH_LANDING": str(folder),
    }
    with Processes(folder / "logs", os.environ | environment | settings) as processes:
        processes.start("service", [str(Path(sys.executable).with_name("medsearch-api"))])
        processes.wait_until("service", lambda: answers(f"{address}/readyz"))
        yield address


if __name__ == "__main__":
    main()
