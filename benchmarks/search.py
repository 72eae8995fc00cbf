"""Measures the search indexes: `python -m benchmarks.search --images 50000 200000 --threads 1 2 [--opensearch http://…]`.

Two images and one report per study; the vectors are like those of pictures (`picture_vectors`), or with `--corpus clusters`
random clusters, which have no directions that matter more than others. Each index is loaded as a release beside the current
one, then published. Similarity search is compared with one exact NumPy product over the same vectors in the same run with as
many threads, recall@10 with its result. Prints Markdown. CPU time is that of this process, and depends less on what else runs
than the time that passed.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from benchmarks.picture_vectors import PictureVectors
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import ImageDocument, ReportDocument, StudyDocuments
from medsearch_core.search.embedded.index import open_embedded
from medsearch_core.search.embedded.scan import limit_threads
from medsearch_core.search.hybrid import hybrid
from medsearch_core.search.index import SearchIndex
from medsearch_core.search.model import Model
from medsearch_core.search.opensearch.index import open_opensearch
from medsearch_core.search.opensearch.options import Access, IndexLayout
from medsearch_core.search.query import NO_FILTERS, Filters
from medsearch_core.search.releases import ReleasedIndex
from medsearch_core.search.similar_reports import more_like

Floats = npt.NDArray[np.float32]
Milliseconds = tuple[float, float, float]
STUDIES_A_CALL = 500
SELECTIVITIES = (100, 10, 1, 0.1)
WORDS = """
pleural effusion pneumothorax opacity opacities consolidation edema cardiomegaly heart lungs clear left right small
large moderate mild severe lower upper lobe atelectasis normal acute process pulmonary vascular congestion tube line
catheter tip svc stable unchanged improved worsened hiatal hernia fracture rib spine degenerative
""".split()  # noqa: SIM905
VOCABULARY = np.array([*WORDS, *(f"term{n}" for n in range(12_000))])
"""The words of reports, the n-th 1/n times as often as the first, as words are in any language."""

WORDS_A_REPORT = (45, 15)


class Corpus:
    """`count` images, with an age that selects any share of them, and their reports."""

    def __init__(self, count: int, dimensions: int, queries: int, kind: str = "pictures") -> None:
        self.chance = np.random.default_rng(0)
        if kind == "pictures":
            source = PictureVectors(dimensions)
            self.vectors, self.queries = source.draw(count, self.chance), source.draw(queries, self.chance)
        else:
            self.vectors = self._clustered(count, dimensions)
            noise = 0.3 * self.chance.standard_normal((queries, dimensions), dtype=np.float32)
            self.queries = self.vectors[self.chance.integers(0, count, queries)] + noise
        self.lengths = np.linalg.norm(self.vectors, axis=1)
        self.ages = self.chance.uniform(0, 100, count)

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
        chance, usual = np.random.default_rng(1), 1 / np.arange(1, len(VOCABULARY) + 1)
        for first in range(0, len(self.vectors) // 2, STUDIES_A_CALL):
            numbers = range(first, min(first + STUDIES_A_CALL, len(self.vectors) // 2))
            words = chance.choice(VOCABULARY, (len(numbers), sum(WORDS_A_REPORT)), p=usual / usual.sum())
            codes = chance.choice(["J90", "J93.9", "I51.7", "J81.0", "R91.8", "J18.9"], (len(numbers), 2))
            yield [self.study(n, words[i].tolist(), codes[i].tolist()) for i, n in enumerate(numbers)]

    def study(self, number: int, words: list[str], codes: list[str], inputs: str = "a") -> StudyDocuments:
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
        findings, impression = (" ".join(part) for part in (words[: WORDS_A_REPORT[0]], words[WORDS_A_REPORT[0] :]))
        report = ReportDocument(
            report_id=key.study, findings=findings, impression=impression, text=f"{findings}\n{impression}",
            positive_icd10cms=codes, patient_age_years=float(self.ages[2 * number]), source_key="x", ner_version="1", **shared,
        )  # fmt: skip
        return StudyDocuments(study=key, images=images, reports=[report], inputs=inputs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 50_000])
    parser.add_argument("--dimensions", type=int, default=1024)
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--corpus", choices=["pictures", "clusters"], default="pictures")
    parser.add_argument("--threads", type=int, nargs="+", default=[1], help="of products with all vectors")
    parser.add_argument("--opensearch", help="address of a cluster; without it only the embedded index is measured")
    given = parser.parse_args()
    print(f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, NumPy {np.__version__}")
    for count in given.images:
        corpus = Corpus(count, given.dimensions, given.queries, given.corpus)
        print(f"\n### {count:,} images × {given.dimensions}, {given.corpus}\n\n{HEAD}")
        with tempfile.TemporaryDirectory() as folder:
            measure("embedded", open_embedded(folder), corpus, given.threads)
            print(f"| embedded: on disk {size_of(folder) / 1e6:,.0f} MB | | | | | |")
            first_search(folder, corpus)
        if given.opensearch:
            access, layout = Access(url=given.opensearch), IndexLayout(replicas=0)
            index = open_opensearch(access, layout, f"benchmark_{uuid4().hex[:8]}")
            measure("OpenSearch", index, corpus, given.threads[:1])
            index.client.indices.delete(index=f"{index.places.images}-*,{index.places.reports}-*")


HEAD = "| | p50 ms | p99 ms | CPU p50 ms | ÷ NumPy (CPU) | recall@10 |\n|---|---|---|---|---|---|"
FIRST = """
import resource, sys, time
import numpy as np
from medsearch_core.search.embedded.index import open_embedded
from medsearch_core.search.embedded.scan import limit_threads
query = np.frombuffer(bytes.fromhex(sys.argv[2]), np.float32)
limit_threads()
begun = time.perf_counter(), time.process_time()
index = open_embedded(sys.argv[1])
index.similar(query, 10)
took = 1000 * (time.perf_counter() - begun[0]), 1000 * (time.process_time() - begun[1])
with open("/proc/self/status") as file:
    held = {line.split(":")[0]: int(line.split()[1]) / 1e3 for line in file if line.startswith("Rss")}
memory = f"then {held['RssAnon']:.0f} MB of its own and {held['RssFile']:.0f} MB of mapped files"
print(f"| embedded: first similar of a process, {memory} | {took[0]:.1f} | | {took[1]:.1f} | | |")
"""


def first_search(folder: str, corpus: Corpus) -> None:
    """The first search of a new process, whose files are in the system's cache."""
    query = corpus.queries[0].astype(np.float32).tobytes().hex()
    subprocess.run([sys.executable, "-c", FIRST, folder, query], check=True)  # noqa: S603 - this interpreter


def size_of(folder: str) -> int:
    return sum(os.path.getsize(os.path.join(place, name)) for place, _, names in os.walk(folder) for name in names)


def measure(name: str, index: ReleasedIndex, corpus: Corpus, threads: Sequence[int]) -> None:
    load(name, index, corpus)
    times, queries = len(corpus.queries), corpus.queries
    for count in threads:
        limit_threads()
        ThreadpoolController().limit(limits=count, user_api="blas")
        exact = timed(lambda n: corpus.exact(queries[n]), times)
        row(f"exact NumPy, threads: {count}", exact, exact)
        for share in SELECTIVITIES:
            filters = NO_FILTERS if share == 100 else Filters(max_age_years=share)
            took = timed(lambda n: index.similar(queries[n], 10, filters), times)  # noqa: B023 - called at once
            what = f"{name}: similar, filter keeps {share} %, threads: {count}"
            row(what, took, exact, recall(index, corpus, share, filters))
        took = timed(lambda n: hybrid(index, queries[n], f"left term{20 + n}", 10), times)
        row(f"{name}: hybrid, two words, threads: {count}", took, exact)
    row(f"{name}: text, one common word", timed(lambda n: index.text(WORDS[n % 3]), times))
    row(f"{name}: text, one rare word", timed(lambda n: index.text(f"term{8000 + n}"), times))
    narrowed = Filters(present=["J9"])
    row(f"{name}: text, three words, code filter", timed(lambda n: index.text(f"effusion left term{n}", (), narrowed), times))
    row(f"{name}: similar reports", timed(lambda n: more_like(index, f"s{n}"), times))
    row(f"{name}: facets, all reports", timed(lambda n: index.facets("positive_icd10cms"), times))
    row(f"{name}: facets, with a word", timed(lambda n: index.facets("positive_icd10cms", query=f"term{n}"), times))
    row(f"{name}: 20 images by id", timed(lambda n: index.images([f"{i:09}" for i in range(n, n + 20)]), times))
    row(f"{name}: facets, ages of 10 %", timed(lambda n: index.facets("positive_icd10cms", Filters(max_age_years=10)), times))
    row(f"{name}: one study rewritten and seen", timed(lambda n: rewrite(index, corpus, n), 20))


def load(name: str, index: ReleasedIndex, corpus: Corpus) -> None:
    started, begun = time.perf_counter(), time.process_time()
    release = index.begin(Model("m", "1", corpus.vectors.shape[1]))
    building = index.release(release)
    for studies in corpus.batches():
        building.upsert(studies)
    written = time.perf_counter()
    index.finish(release)
    index.publish(release)
    whole, worked = time.perf_counter() - started, time.process_time() - begun
    count = len(corpus.vectors)
    rate = f"{count / (written - started):,.0f} images/s written, {count / whole:,.0f} with merging, {worked:.0f} s of CPU"
    print(f"| {name}: loaded {rate} | | | | | |", flush=True)


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


def rewrite(index: ReleasedIndex, corpus: Corpus, number: int) -> None:
    index.upsert([replace(corpus.study(number, [f"rewritten{number}"], ["J90"]), inputs=str(time.perf_counter()))])
    if index.text(f"rewritten{number}").total != 1:
        raise SystemExit("what was written is not seen")


def timed(call: Callable[[int], Any], times: int) -> Milliseconds:
    """p50 and p99, and p50 of CPU time, after one call to warm up."""
    call(0)
    took, worked = [], []
    for n in range(times):
        start, begun = time.perf_counter(), time.process_time()
        call(n)
        worked.append(1000 * (time.process_time() - begun))
        took.append(1000 * (time.perf_counter() - start))
    return float(np.percentile(took, 50)), float(np.percentile(took, 99)), float(np.percentile(worked, 50))


def row(name: str, took: Milliseconds, exact: Milliseconds | None = None, found: float | None = None) -> None:
    ratio = f"{took[2] / exact[2]:.2f}" if exact else ""
    shown = "" if found is None else f"{found:.3f}"
    print(f"| {name} | {took[0]:.1f} | {took[1]:.1f} | {took[2]:.1f} | {ratio} | {shown} |", flush=True)


def processor() -> str:
    with open("/proc/cpuinfo") as file:
        return next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
