"""Measures the embedded search index: `python benchmarks/search.py --images 10000 50000 [--dimensions 1024]`.

Clustered random vectors, one report per two images, everything in a temporary folder. Similar search is compared with one exact
NumPy product over the same vectors in the same run; recall@10 with its answer.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import ImageDocument, ReportDocument, StudyDocuments
from medsearch_core.search.embedded import EmbeddedIndex, open_embedded
from medsearch_core.search.index import Filters

Floats = npt.NDArray[np.float32]
BATCH = 1000
WORDS = """
pleural effusion pneumothorax opacity opacities consolidation edema cardiomegaly heart lungs clear left right small
large moderate mild severe lower upper lobe atelectasis normal acute process pulmonary vascular congestion tube line
catheter tip svc stable unchanged improved worsened hiatal hernia fracture rib spine degenerative
""".split()  # noqa: SIM905


def clustered(count: int, dimensions: int, chance: np.random.Generator) -> Floats:
    """Vectors float32[count, dimensions] around one centre for every fifty."""
    centres = chance.standard_normal((count // 50 + 1, dimensions)).astype(np.float32)
    vectors = np.empty((count, dimensions), np.float32)
    for start in range(0, count, 10_000):
        part = vectors[start : start + 10_000]
        part[:] = centres[chance.integers(0, len(centres), len(part))]
        part += 0.6 * chance.standard_normal(part.shape, dtype=np.float32)
    return vectors


def batches(vectors: Floats, ages: npt.NDArray[np.float64], chance: np.random.Generator) -> Iterator[list[StudyDocuments]]:
    """Studies of two images and one report; the images' age is `ages`, and so selects any share of them."""
    usual = 1 / np.arange(1, len(WORDS) + 1)
    for first in range(0, len(vectors), 2 * BATCH):
        words = chance.choice(WORDS, (BATCH, 60), p=usual / usual.sum())
        codes = chance.choice(["J90", "J93.9", "I51.7", "J81.0", "R91.8", "J18.9"], (BATCH, 2))
        yield [
            study(n, vectors, ages, " ".join(words[n - first // 2]), codes[n - first // 2].tolist())
            for n in range(first // 2, min(first + 2 * BATCH, len(vectors)) // 2)
        ]


def study(number: int, vectors: Floats, ages: npt.NDArray[np.float64], text: str, codes: list[str]) -> StudyDocuments:
    key = StudyKey(f"p{number // 3}", f"s{number}")
    shared: dict[str, Any] = {"patient": key.patient, "study": key.study, "sha256": "0" * 64, "present_codes": codes}
    images = [
        ImageDocument(
            image_id=f"{i:09}", report_id=key.study, patient_age_years=float(ages[i]), modality="DX", source_key="x",
            model_id="m", model_version="1", vector=vectors[i].tolist(), **shared,
        )
        for i in (2 * number, 2 * number + 1)
    ]  # fmt: skip
    report = ReportDocument(
        report_id=key.study, findings=text[:250], impression=text[250:], text=text, positive_icd10cms=codes,
        patient_age_years=float(ages[2 * number]), source_key="x", ner_version="1", **shared,
    )  # fmt: skip
    return StudyDocuments(study=key, images=images, reports=[report], inputs="a")


def timed(call: Callable[[int], Any], times: int) -> tuple[float, float]:
    """p50 and p99 in ms, after one call to warm up."""
    call(0)
    took = []
    for n in range(times):
        start = time.perf_counter()
        call(n)
        took.append(1000 * (time.perf_counter() - start))
    return float(np.percentile(took, 50)), float(np.percentile(took, 99))


def measure(count: int, dimensions: int, times: int) -> None:
    chance = np.random.default_rng(0)
    vectors, ages = clustered(count, dimensions, chance), chance.uniform(0, 100, count)
    queries = vectors[chance.integers(0, count, times)] + 0.3 * chance.standard_normal((times, dimensions), dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        index = open_embedded(folder)
        start = time.perf_counter()
        for studies in batches(vectors, ages, chance):
            index.upsert(studies)
        took = time.perf_counter() - start
        print(f"\n{count} images x {dimensions}: loaded {count / took:.0f} images/s, {BATCH} studies an upsert")
        report(index, vectors, ages, queries)
    print(f"{'peak memory of this process':<34}{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:>9.2f} GB")


def report(index: EmbeddedIndex, vectors: Floats, ages: npt.NDArray[np.float64], queries: Floats) -> None:
    times = len(queries)
    lengths = np.linalg.norm(vectors, axis=1)
    print(f"{'':<34}{'p50 ms':>9}{'p99 ms':>9}{'/ NumPy':>9}{'recall@10':>11}")
    exact = timed(lambda n: np.argpartition(-((vectors @ queries[n]) / lengths), 10)[:10], times)
    line("exact NumPy", exact)
    start = time.perf_counter()
    index.similar(queries[0].tolist(), 10)
    first = 1000 * (time.perf_counter() - start)
    line("similar, first of a process", (first, first), exact[0])
    for share in (100, 10, 1, 0.1):
        filters = Filters() if share == 100 else Filters(max_age_years=share)
        got = timed(lambda n, f=filters: index.similar(queries[n].tolist(), 10, f), times)  # type: ignore[misc]
        matching = np.flatnonzero(ages <= share)
        found = [recall(index, vectors, lengths, matching, query, filters) for query in queries[:20]]
        line(f"similar, filter keeps {share} %", got, exact[0], float(np.mean(found)))
    line("text, one usual word", timed(lambda n: index.text(WORDS[n % 3]), times))
    line("text, one rare word", timed(lambda n: index.text(WORDS[-1 - n % 3]), times))
    line(
        "text, three words, code filter", timed(lambda n: index.text("small left effusion", (), Filters(present=["J9"])), times)
    )
    line("facets, all reports", timed(lambda n: index.facets("positive_icd10cms"), times))
    line("facets, with words", timed(lambda n: index.facets("positive_icd10cms", query="hernia"), times))
    line("20 images by id", timed(lambda n: index.images([f"{i:09}" for i in range(n, n + 20)]), times))
    line("one study rewritten", timed(lambda n: index.upsert([changed(n, vectors, ages)]), 20))
    line("similar, right after that", timed(lambda n: after_write(index, n, vectors, ages, queries), 10))
    start = time.perf_counter()
    index.compact()
    took = 1000 * (time.perf_counter() - start)
    line("compact", (took, took))
    line("text, one usual word, compacted", timed(lambda n: index.text(WORDS[n % 3]), times))
    line("text, one rare word, compacted", timed(lambda n: index.text(WORDS[-1 - n % 3]), times))
    start = time.perf_counter()
    index.similar(queries[0].tolist(), 10)
    took = 1000 * (time.perf_counter() - start)
    line("similar, first after compaction", (took, took), exact[0])


def recall(index: EmbeddedIndex, vectors: Floats, lengths: Floats, matching: Any, query: Floats, filters: Filters) -> float:
    best = matching[np.argsort(-(vectors[matching] @ query) / lengths[matching])[:10]]
    found = [int(hit.document.image_id) for hit in index.similar(query.tolist(), 10, filters)]
    return len(set(best) & set(found)) / max(1, len(best))


def changed(number: int, vectors: Floats, ages: npt.NDArray[np.float64]) -> StudyDocuments:
    again = study(number, vectors, ages, "hernia", ["J90"])
    return StudyDocuments(study=again.study, images=again.images, reports=again.reports, inputs=str(time.perf_counter()))


def after_write(index: EmbeddedIndex, n: int, vectors: Floats, ages: npt.NDArray[np.float64], queries: Floats) -> None:
    index.upsert([changed(n, vectors, ages)])
    index.similar(queries[n].tolist(), 10)


def line(name: str, took: tuple[float, float], exact: float | None = None, found: float | None = None) -> None:
    ratio = f"{took[0] / exact:>9.1f}" if exact else " " * 9
    print(f"{name:<34}{took[0]:>9.1f}{took[1]:>9.1f}{ratio}" + (f"{found:>11.3f}" if found is not None else ""), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measures the embedded search index.")
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 50_000])
    parser.add_argument("--dimensions", type=int, default=1024)
    parser.add_argument("--queries", type=int, default=50)
    arguments = parser.parse_args()
    for images in arguments.images:
        measure(images, arguments.dimensions, arguments.queries)
