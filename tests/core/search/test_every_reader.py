"""Reads of every search index during writes, and its recall."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import StudyDocuments
from medsearch_core.search.query import Filters
from medsearch_core.search.releases import ReleasedIndex
from tests.core.search.index_places import open_at
from tests.core.search.index_processes import STUDIES, finish, generation, start
from tests.core.search.search_documents import image


def test_a_reader_sees_each_study_whole_while_another_process_rewrites_it(place: str) -> None:
    reader, writer, begun = open_at(place), start("rewrite", place), time.monotonic()
    seen: dict[str, list[float]] = {}
    while time.monotonic() - begun < 2 or len({number for numbers in seen.values() for number in numbers}) < 4:
        assert writer.poll() is None
        of: dict[str, list[float]] = {}
        for hit in reader.similar([1.0, 0.5], 100):
            of.setdefault(hit.document.study, []).append(hit.document.patient_age_years or 0)
        for study, ages in of.items():
            assert len(set(ages)) == 1
            assert len(ages) == 2 + int(ages[0]) % 3
            seen.setdefault(study, []).append(ages[0])
        assert len(of) in (0, STUDIES) or len(seen) < STUDIES
        for images in reader.images_of_reports([f"s{n}" for n in range(STUDIES)]):
            assert len({i.patient_age_years for i in images}) <= 1
            assert not images or len(images) == 2 + int(images[0].patient_age_years or 0) % 3
        page = reader.text("edema", limit=100)
        assert page.total == len(page.hits) == len({h.document.study for h in page.hits}) <= STUDIES
        assert sum(c.count for c in reader.facets("positive_signs")) <= STUDIES
    last = int(finish(writer))
    assert all(numbers == sorted(numbers) for numbers in seen.values())
    assert {h.document.patient_age_years for h in reader.similar([1.0, 0.5], 100)} == {float(last)}
    assert [(c.value, c.count) for c in reader.facets("positive_signs")] == [(str(last), STUDIES)]


def test_two_writers_lose_and_double_nothing(place: str) -> None:
    each = 10
    for writer in [start("add", place, name, each) for name in "ab"]:
        finish(writer)
    index = open_at(place)
    shared = index.images_of_reports(["shared"])[0]
    (age,) = {i.patient_age_years for i in shared}
    assert len(shared) == 2 + int(age or 0) % 3
    health = index.health()
    assert (health.images, health.reports, health.studies) == (2 * each * 3 + len(shared), 2 * each + 1, 2 * each + 1)
    assert len(index.releases()) == 1


def test_threads_may_share_an_index(index: ReleasedIndex) -> None:
    index.upsert([generation(f"s{n}", 1) for n in range(20)])

    def ask(n: int) -> tuple[int, int, int]:
        if n % 10 == 0:
            index.upsert([generation(f"s{n % 20}", n + 3)])
        return len(index.similar([1.0, 0.5], 20)), index.text("edema").total, len(index.facets("patient_sex"))

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(60))) == {(20, 20, 0)}


def test_nearly_all_that_is_nearest_is_found_under_every_filter(index: ReleasedIndex) -> None:
    count, dimensions, k = 5000, 64, 10
    chance = np.random.default_rng(0)
    centers = chance.standard_normal((100, dimensions))
    vectors = (centers[chance.integers(0, 100, count)] + 0.5 * chance.standard_normal((count, dimensions))).astype(np.float32)
    ages = chance.permutation(count).astype(float)
    for first in range(0, count, 1000):
        index.upsert([study_of_images(n, vectors, ages) for n in range(first, first + 1000, 50)])
    index.compact()
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    queries = [unit[n] + 0.1 * chance.standard_normal(dimensions) for n in chance.integers(0, count, 10)]
    for matching in (5000, 500, 50, 5):
        narrowed = Filters() if matching == count else Filters(max_age_years=matching - 1)
        for exact in (False, True):
            found = 0
            for query in queries:
                scores = np.where(ages < matching, unit @ query, -np.inf)
                due = np.argsort(-scores)[: min(k, matching)]
                hits = index.similar(query.tolist(), k, narrowed, exact=exact)
                assert len(hits) == len(due)
                found += len({int(h.document.image_id) for h in hits} & set(due.tolist()))
            share = found / (len(queries) * min(k, matching))
            assert share >= (1.0 if exact else 0.99), (matching, exact, share)


def study_of_images(first: int, vectors: np.ndarray, ages: np.ndarray) -> StudyDocuments:
    """Fifty images by their number."""
    key = StudyKey("p1", f"s{first}")
    images = [
        image(key, image_id=str(n), vector=vectors[n].tolist(), patient_age_years=ages[n], report_id=None)
        for n in range(first, first + 50)
    ]
    return StudyDocuments(study=key, images=images, inputs="a")


def test_a_zero_vector_is_held_and_like_nothing(index: ReleasedIndex) -> None:
    key = StudyKey("p1", "s1")
    held = {"zero": [0.0, 0.0], "near": [1.0, 1.0], "far": [-1.0, 0.0]}
    assert index.upsert([StudyDocuments(study=key, images=[image(key, n, vector=v) for n, v in held.items()])]) == 1
    for exact in (False, True):
        hits = [(h.document.image_id, h.score) for h in index.similar([1.0, 0.0], 3, exact=exact)]
        assert hits == [("s1.near", pytest.approx(0.707107)), ("s1.zero", 0.0), ("s1.far", -1.0)]
