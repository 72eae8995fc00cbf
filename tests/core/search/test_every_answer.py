"""All results of every search index, compared with the reference index's, over generated studies and queries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from medsearch_core.errors import InvalidQuery, NotIndexed
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import StudyDocuments
from medsearch_core.search.highlights import matching_spans
from medsearch_core.search.hybrid import WINDOW, Part, hybrid
from medsearch_core.search.model import model_of
from medsearch_core.search.query import FACET_FIELDS, Filters, TextField
from medsearch_core.search.releases import ReleasedIndex
from medsearch_core.search.results import ImageHit, ReportHit
from medsearch_core.search.similar_images import Exclude, similar_to
from medsearch_core.search.similar_reports import more_like
from medsearch_core.search.tokens import words_of
from medsearch_core.search.validation import checked_fields
from tests.core.search.index_places import PLACES, open_at
from tests.core.search.reference_index import ReferenceIndex
from tests.core.search.search_documents import filters, image_ids, queries, report_ids, studies, text_fields, vectors

NEARLY_ALIKE = 2e-6
"""The difference of cosines that may come in either order: scores are rounded to six decimals."""

NEARLY_AS_WELL = 1e-3
"""The relative difference of BM25 scores that may come in either order: an index may compute them in float32."""

Question = Callable[[ReleasedIndex, ReferenceIndex], None]

ks = st.sampled_from([1, 2, 5, 50])
offsets = st.sampled_from([0, 1, 3, 40])
facet_fields = st.sampled_from(sorted(FACET_FIELDS))

change = st.one_of(
    st.lists(studies(), max_size=6),
    st.lists(studies(), max_size=6),
    st.builds(StudyKey, st.sampled_from(["p1", "p2"]), st.sampled_from(["s1", "s2"])),
    st.just("compact"),
)
questions = st.lists(
    st.one_of(
        st.builds(lambda *asked: lambda i, m: ask_similar(i, m, *asked), vectors, ks, filters, offsets, st.booleans()),
        st.builds(lambda *asked: lambda i, m: ask_text(i, m, *asked), queries, text_fields, filters, offsets),
        st.builds(lambda *asked: lambda i, m: ask_facets(i, m, *asked), facet_fields, filters, ks, queries),
        st.builds(lambda *asked: lambda i, m: ask_documents(i, m, *asked), filters),
        st.builds(lambda *asked: lambda i, m: ask_hybrid(i, m, *asked), vectors, queries, ks, filters, offsets),
        st.builds(lambda *asked: lambda i, m: ask_more_like(i, m, *asked), st.sampled_from(report_ids), filters, offsets),
        st.builds(
            lambda *asked: lambda i, m: ask_similar_to(i, m, *asked),
            st.sampled_from(image_ids), ks, filters, offsets, st.sampled_from(Exclude),
        ),
    ),
    min_size=15,
    max_size=30,
)  # fmt: skip


# A failure is not shrunk: an index for each attempt would take minutes.
@pytest.mark.parametrize("implementation", PLACES)
@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(studies(), min_size=8, max_size=12), st.lists(change, max_size=3), questions)
def test_every_answer_is_that_of_the_plain_model(
    implementation: str, first: list[StudyDocuments], changes: list[Any], asked: list[Question]
) -> None:
    with TemporaryDirectory() as folder:
        index, model = open_at(PLACES[implementation](Path(folder) / "index")), ReferenceIndex()
        for what in (first, *changes):
            if what == "compact":
                index.compact()
            elif isinstance(what, StudyKey):
                index.delete([what])
                model.delete([what])
            else:
                assert index.upsert(what) == model.upsert(what)
        assert_same_documents(index, model)
        index.compact()
        assert_same_documents(index, model)
        build_anew(index, model)
        for question in asked:
            question(index, model)


def build_anew(index: ReleasedIndex, model: ReferenceIndex) -> None:
    """An index may count replaced reports in BM25 until it merges them away; a new release has none."""
    studies = list(model.studies.values())
    name = index.begin(model_of(studies))
    index.release(name).upsert(studies)
    index.finish(name)
    index.publish(name)


def assert_same_documents(index: ReleasedIndex, model: ReferenceIndex) -> None:
    """Also before compaction: the stored documents, and the words found."""
    health = index.health()
    assert (health.images, health.reports, health.studies) == (len(model.images), len(model.reports), len(model.studies))
    assert dict(index.studies()) == {key: study.inputs for key, study in model.studies.items()}
    held_images, held_reports = {i.image_id: i for i in model.images}, {r.report_id: r for r in model.reports}
    wanted = [held_images.get(i) for i in image_ids]
    assert list(index.images(image_ids)) == [i and replace(i, vector=()) for i in wanted]
    assert list(index.reports(report_ids)) == [held_reports.get(r) for r in report_ids]
    for found, due in zip(index.vectors(image_ids), wanted, strict=True):
        assert (found is None) == (due is None)
        if found is not None and due is not None:
            assert found == pytest.approx(np.array(due.vector) / (np.linalg.norm(due.vector) or 1), abs=1e-6)
    found_now = index.text("effusion lung edema", limit=1000)
    assert {h.document.report_id for h in found_now.hits} == set(model.text("effusion lung edema", (), Filters()))


def ask_similar(
    index: ReleasedIndex, model: ReferenceIndex, vector: list[float], k: int, narrowed: Filters, offset: int, exact: bool
) -> None:
    if not any(vector):
        with pytest.raises(InvalidQuery):
            index.similar(vector, k, narrowed, offset, exact)
        return
    whole = index.similar(vector, 500, narrowed, exact=exact)
    assert_images_in_order(whole, model.similar(vector, narrowed))
    assert list(index.similar(vector, k, narrowed, offset, exact)) == list(whole[offset : offset + k])


def ask_text(
    index: ReleasedIndex, model: ReferenceIndex, query: str, fields: list[TextField], narrowed: Filters, offset: int
) -> None:
    whole = index.text(query, fields, narrowed, limit=1000)
    assert_reports_in_order(whole.hits, model.text(query, fields, narrowed))
    page = index.text(query, fields, narrowed, offset, 2)
    assert (page.total, list(page.hits)) == (len(whole.hits), list(whole.hits[offset : offset + 2]))
    if words_of(query):
        texts = {r.report_id: [getattr(r, field.value) or "" for field in checked_fields(fields)] for r in model.reports}
        marked = {id_ for id_, held in texts.items() if any(matching_spans(text, query) for text in held)}
        assert {hit.document.report_id for hit in index.text(query, fields, limit=1000).hits} == marked


def ask_facets(index: ReleasedIndex, model: ReferenceIndex, field: str, narrowed: Filters, size: int, query: str) -> None:
    counts = [(c.value, c.count) for c in index.facets(field, narrowed, size, query)]
    assert counts == model.facets(field, narrowed, query)[:size]


def ask_documents(index: ReleasedIndex, model: ReferenceIndex, narrowed: Filters) -> None:
    assert index.count(narrowed) == model.count(narrowed)
    listed = index.list_images(narrowed, limit=1000)
    assert (listed.total, [i.image_id for i in listed.images]) == (len(listed.images), model.list_images(narrowed))
    page = index.list_images(narrowed, 1, 2)
    assert (page.total, list(page.images)) == (listed.total, list(listed.images[1:3]))
    of = [[i.image_id for i in images] for images in index.images_of_reports(report_ids, narrowed)]
    assert of == [model.images_of_report(r, narrowed) for r in report_ids]


def ask_more_like(index: ReleasedIndex, model: ReferenceIndex, report_id: str, narrowed: Filters, offset: int) -> None:
    like = next((r for r in model.reports if r.report_id == report_id), None)
    if like is None:
        with pytest.raises(NotIndexed):
            more_like(index, report_id, narrowed)
        return
    whole = more_like(index, report_id, narrowed, limit=1000)
    assert_reports_in_order(whole.hits, model.more_like(like, narrowed))
    page = more_like(index, report_id, narrowed, offset, 2)
    assert (page.total, list(page.hits)) == (len(whole.hits), list(whole.hits[offset : offset + 2]))


def ask_similar_to(
    index: ReleasedIndex, model: ReferenceIndex, image_id: str, k: int, narrowed: Filters, offset: int, exclude: Exclude
) -> None:
    like = next((i for i in model.images if i.image_id == image_id), None)
    if like is None or not any(like.vector):
        with pytest.raises(NotIndexed if like is None else InvalidQuery):
            similar_to(index, image_id, k, narrowed, offset, exclude)
        return
    whole = similar_to(index, image_id, 500, narrowed, exclude=exclude)
    assert_images_in_order(whole, model.similar_to(like, narrowed, exclude))
    assert list(similar_to(index, image_id, k, narrowed, offset, exclude)) == list(whole[offset : offset + k])


def ask_hybrid(
    index: ReleasedIndex, model: ReferenceIndex, vector: list[float], query: str, k: int, narrowed: Filters, offset: int
) -> None:
    if not any(vector):
        with pytest.raises(InvalidQuery):
            hybrid(index, vector, query, k, narrowed, offset)
        return
    alike, scored = model.similar(vector, narrowed), model.text(query, (), narrowed)
    if not any(scored.values()):
        scored = {}
    likeness, words = places(alike, NEARLY_ALIKE, 0), places(scored, 0, NEARLY_AS_WELL)
    of = {i.image_id: words[i.report_id] for i in model.images if i.report_id in words and i.image_id in alike}
    whole = hybrid(index, vector, query, WINDOW, narrowed)
    assert {h.document.image_id for h in whole} == set(alike)
    assert [h.document.image_id for h in whole] == [
        h.document.image_id for h in sorted(whole, key=lambda h: (-h.score, h.document.image_id))
    ]
    for hit in whole:
        id_ = hit.document.image_id
        assert_place(hit.likeness, likeness.get(id_), alike[id_], NEARLY_ALIKE)
        assert_place(hit.words, of.get(id_), None, 0)
        assert hit.score == pytest.approx(sum(1 / (60 + part.rank) for part in (hit.likeness, hit.words) if part))
    assert list(hybrid(index, vector, query, k, narrowed, offset)) == list(whole[offset : offset + k])


def places(scores: Mapping[str, float], absolute: float, relative: float) -> dict[str, tuple[int, int]]:
    """The first and the last rank each may have: those with nearly equal scores may be in any order."""
    return {
        id_: (
            1 + sum(other > score + absolute + relative * score for other in scores.values()),
            sum(other >= score - absolute - relative * score for other in scores.values()),
        )
        for id_, score in scores.items()
    }


def assert_place(part: Part | None, due: tuple[int, int] | None, score: float | None, slack: float) -> None:
    assert (part is None) == (due is None)
    if part is not None and due is not None:
        assert due[0] <= part.rank <= due[1]
        assert score is None or part.score == pytest.approx(score, abs=slack)


def assert_images_in_order(hits: Sequence[ImageHit], due: Mapping[str, float]) -> None:
    """All matching images, nearest first, ties by id, each with its cosine."""
    found = {h.document.image_id: h.score for h in hits}
    assert found == pytest.approx(due, abs=NEARLY_ALIKE)
    assert len(hits) == len(found)
    assert_in_order([(h.score, h.document.image_id) for h in hits])


def assert_reports_in_order(hits: Sequence[ReportHit], due: Mapping[str, float]) -> None:
    """All matching reports, best first, ties by id. The size of a score depends on the index."""
    found = [h.document.report_id for h in hits]
    assert (set(found), len(found)) == (set(due), len(due))
    assert_in_order([(h.score, h.document.report_id) for h in hits])
    allowed = places(due, 0, NEARLY_AS_WELL)
    assert all(allowed[id_][0] <= place <= allowed[id_][1] for place, id_ in enumerate(found, start=1))


def assert_in_order(ranked: list[tuple[float, str]]) -> None:
    assert ranked == sorted(ranked, key=lambda r: (-r[0], r[1]))
