"""Measures the search indexes: `python benchmarks/search.py --images 10000 50000 [--opensearch http://localhost:9200]`.

Clustered random vectors, two images and one report per study. Each index is loaded as a release beside the current one, then
published. Similarity search is compared with one exact NumPy product over the same vectors in the same run, recall@10 with
its result. Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import ImageDocument, ReportDocument, StudyDocuments
from medsearch_core.search.embedded.index import open_embedded
from medsearch_core.search.hybrid import hybrid
from medsearch_core.search.index import SearchIndex
from medsearch_core.search.model import Model
from medsearch_core.search.opensearch.index import open_opensearch
from medsearch_core.search.opensearch.options import Access, IndexLayout
from medsearch_core.search.query import NO_FILTERS, Filters
from medsearch_core.search.releases import ReleasedIndex
from medsearch_core.search.similar_reports import more_like

Floats = npt.NDArray[np.float32]
Milliseconds = tuple[float, float]
STUDIES_A_CALL = 500
SELECTIVITIES = (100, 10, 1, 0.1)
WORDS = """
pleural effusion pneumothorax opacity opacities consolidation edema cardiomegaly heart lungs clear left right small
large moderate mild severe lower upper lobe atelectasis normal acute process pulmonary vascular congestion tube line
catheter tip svc stable unchanged improved worsened hiatal hernia fracture rib spine degenerative
""".split()  # noqa: SIM905


class Corpus:
    """`count` images around one center for every fifty, with an age that selects any share of them, and their reports."""

    def __init__(self, count: int, dimensions: int, queries: int) -> None:
        self.chance = np.random.default_rng(0)
        self.vectors = self._clustered(count, dimensions)
        self.lengths = np.linalg.norm(self.vectors, axis=1)
        self.ages = self.chance.uniform(0, 100, count)
        noise = 0.3 * self.chance.standard_normal((queries, dimensions), dtype=np.float32)
        self.queries = self.vectors[self.chance.integers(0, count, queries)] + noise

    def _clustered(self, count: int, dimensions: int) -> Floats:
        centers = self.chance.standard_normal((count // 50 + 1, dimensions)).astype(np.float32)
        vectors = np.empty((count, dimensions), np.float32)
        for start in range(0, count, 10_000):
            part = vectors[start : start + 10_000]
            part[:] = centers[self.chance.integers(0, len(centers), len(part))]
            part += 0.6 * self.chance.standard_normal(part.shape, dtype=np.float32)
        return vectors

    def exact(self, query: Floats, k: int = 10) -> npt.NDArray[np.intp]:
        """The k nearest by one product, unordered."""
        return np.argpartition(-((self.vectors @ query) / self.lengths), k)[:k]

    def batches(self) -> Iterator[list[StudyDocuments]]:
        """All studies, `STUDIES_A_CALL` at a time."""
        chance, usual = np.random.default_rng(1), 1 / np.arange(1, len(WORDS) + 1)
        for first in range(0, len(self.vectors) // 2, STUDIES_A_CALL):
            numbers = range(first, min(first + STUDIES_A_CALL, len(self.vectors) // 2))
            words = chance.choice(WORDS, (len(numbers), 60), p=usual / usual.sum())
            codes = chance.choice(["J90", "J93.9", "I51.7", "J81.0", "R91.8", "J18.9"], (len(numbers), 2))
            yield [self.study(n, " ".join(words[i]), codes[i].tolist()) for i, n in enumerate(numbers)]

    def study(self, number: int, text: str, codes: list[str], inputs: str = "a") -> StudyDocuments:
        """Study `number`, with images 2n and 2n + 1."""
        key = StudyKey(f"p{number // 3}", f"s{number}")
        shared: dict[str, Any] = {"patient": key.patient, "study": key.study, "sha256": "0" * 64, "present_codes": codes}
        facets: dict[str, Any] = {"modality": "DX"}
        images = [
            ImageDocument(
                image_id=f"{i:09}", report_id=key.study, patient_age_years=float(self.ages[i]),
                source_key="x", model_id="m", model_version="1", vector=self.vectors[i], **shared, **facets,
            )
            for i in (2 * number, 2 * number + 1)
        ]  # fmt: skip
        report = ReportDocument(
            report_id=key.study, findings=text[:250], impression=text[250:], text=text, positive_icd10cms=codes,
            patient_age_years=float(self.ages[2 * number]), source_key="x", ner_version="1", **shared,
        )  # fmt: skip
        return StudyDocuments(study=key, images=images, reports=[report], inputs=inputs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 50_000])
    parser.add_argument("--dimensions", type=int, default=1024)
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--opensearch", help="address of a cluster; without it only the embedded index is measured")
    given = parser.parse_args()
    print(f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for count in given.images:
        corpus = Corpus(count, given.dimensions, given.queries)
        print(
            f"\n### {count:,} images × {given.dimensions}\n\n| | p50 ms | p99 ms | ÷ NumPy | recall@10 |\n|---|---|---|---|---|"
        )
        exact = timed(lambda n: corpus.exact(corpus.queries[n]), given.queries)  # noqa: B023 - called at once
        row("exact NumPy", exact)
        with tempfile.TemporaryDirectory() as folder:
            measure("embedded", open_embedded(folder), corpus, exact)
        if given.opensearch:
            access, layout = Access(url=given.opensearch), IndexLayout(replicas=0)
            index = open_opensearch(access, layout, f"benchmark_{uuid4().hex[:8]}")
            measure("OpenSearch", index, corpus, exact)
            index.client.indices.delete(index=f"{index.places.images}-*,{index.places.reports}-*")
    print(f"\npeak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


def measure(name: str, index: ReleasedIndex, corpus: Corpus, exact: Milliseconds) -> None:
    load(name, index, corpus)
    times, queries = len(corpus.queries), corpus.queries
    first = timed(lambda n: index.similar(queries[0], 10), 0)
    row(f"{name}: similar, first of a process", first, exact)
    for share in SELECTIVITIES:
        filters = NO_FILTERS if share == 100 else Filters(max_age_years=share)
        took = timed(lambda n: index.similar(queries[n], 10, filters), times)  # noqa: B023 - called at once
        row(f"{name}: similar, filter keeps {share} %", took, exact, recall(index, corpus, share, filters))
    row(f"{name}: hybrid, two words", timed(lambda n: hybrid(index, queries[n], "left effusion", 10), times), exact)
    row(f"{name}: text, one common word", timed(lambda n: index.text(WORDS[n % 3]), times))
    row(f"{name}: text, one rare word", timed(lambda n: index.text(WORDS[-1 - n % 3]), times))
    narrowed = Filters(present=["J9"])
    row(f"{name}: text, three words, code filter", timed(lambda n: index.text("small left effusion", (), narrowed), times))
    row(f"{name}: similar reports", timed(lambda n: more_like(index, f"s{n}"), times))
    row(f"{name}: facets, all reports", timed(lambda n: index.facets("positive_icd10cms"), times))
    row(f"{name}: facets, with a word", timed(lambda n: index.facets("positive_icd10cms", query="hernia"), times))
    row(f"{name}: 20 images by id", timed(lambda n: index.images([f"{i:09}" for i in range(n, n + 20)]), times))
    row(f"{name}: one study rewritten", timed(lambda n: index.upsert([again(corpus, n)]), 20))


def load(name: str, index: ReleasedIndex, corpus: Corpus) -> None:
    started = time.perf_counter()
    release = index.begin(Model("m", "1", corpus.vectors.shape[1]))
    building = index.release(release)
    for studies in corpus.batches():
        building.upsert(studies)
    written = time.perf_counter()
    index.finish(release)
    index.publish(release)
    whole = time.perf_counter() - started
    count = len(corpus.vectors)
    rate = f"{count / (written - started):,.0f} images/s written, {count / whole:,.0f} with merging"
    print(f"| {name}: loaded {rate} | | | | |", flush=True)


def recall(index: SearchIndex, corpus: Corpus, share: float, filters: Filters) -> float:
    """The share of the 10 nearest that is found. Cosines that agree to six decimals count as equal, as in the index."""
    matching, found, due = corpus.ages <= share, 0, 0
    for query in corpus.queries[:20]:
        cosines = (corpus.vectors @ query) / corpus.lengths / np.linalg.norm(query)
        best = np.sort(cosines[matching])[-10:]
        hits = [cosines[int(hit.document.image_id)] for hit in index.similar(query, 10, filters)]
        due += len(best)
        found += sum(hit >= best[0] - 2e-6 for hit in hits)
    return found / max(1, due)


def again(corpus: Corpus, number: int) -> StudyDocuments:
    return replace(corpus.study(number, "hernia", ["J90"]), inputs=str(time.perf_counter()))


def timed(call: Callable[[int], Any], times: int) -> Milliseconds:
    """p50 and p99 after one call to warm up; that call's own time if it is the only one."""
    start = time.perf_counter()
    call(0)
    took = [1000 * (time.perf_counter() - start)] if not times else []
    for n in range(times):
        start = time.perf_counter()
        call(n)
        took.append(1000 * (time.perf_counter() - start))
    return float(np.percentile(took, 50)), float(np.percentile(took, 99))


def row(name: str, took: Milliseconds, exact: Milliseconds | None = None, found: float | None = None) -> None:
    ratio = f"{took[0] / exact[0]:.1f}" if exact else ""
    print(f"| {name} | {took[0]:.1f} | {took[1]:.1f} | {ratio} | {'' if found is None else f'{found:.3f}'} |", flush=True)


def processor() -> str:
    with open("/proc/cpuinfo") as file:
        return next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
