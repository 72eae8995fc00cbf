"""How every search index finds similar images and reports, case by case."""

from __future__ import annotations

import pytest

from medsearch_core.errors import IndexMismatch, InvalidQuery, NotIndexed
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import StudyDocuments
from medsearch_core.search.hybrid import WINDOW, hybrid
from medsearch_core.search.index import SearchIndex
from medsearch_core.search.query import Filters
from medsearch_core.search.similar_images import Exclude, similar_to
from medsearch_core.search.similar_reports import more_like
from tests.core.search.search_cases import A, image_ids
from tests.core.search.search_documents import image, report, study_of


def test_the_most_similar_images_come_first_and_ties_by_id(index: SearchIndex) -> None:
    images = [image(A, n, vector=v) for n, v in (("d", [2, 0]), ("b", [1, 1]), ("c", [5, 0]), ("a", [-1, 0]), ("e", [0, 0]))]
    index.upsert([StudyDocuments(study=A, images=images, inputs="a")])
    hits = index.similar([3.0, 0.0], 5)
    assert [(h.document.image_id, h.score) for h in hits] == [
        ("s1.c", 1.0), ("s1.d", 1.0), ("s1.b", 0.707107), ("s1.e", 0.0), ("s1.a", -1.0),
    ]  # fmt: skip
    assert image_ids(index.similar([3.0, 0.0], 1)) == ["s1.c"]
    assert image_ids(index.similar([3.0, 0.0], 2, offset=1, exact=True)) == ["s1.d", "s1.b"]
    assert image_ids(index.similar([3.0, 0.0], 5, offset=4)) == ["s1.a"]
    assert index.similar([3.0, 0.0], 5, offset=5) == []


def test_vectors_of_another_length_are_refused(index: SearchIndex) -> None:
    index.upsert([study_of("s1")])
    for call in (lambda: index.similar([1.0, 0.0, 0.0], 1), lambda: hybrid(index, [1.0], "edema", 1)):
        with pytest.raises(IndexMismatch):
            call()


def test_what_is_not_indexed_has_nothing_like_it(index: SearchIndex) -> None:
    index.upsert([StudyDocuments(study=A, images=[image(A, "zero", vector=[0.0, 0.0])], reports=[report(A)], inputs="a")])
    for call in (lambda: similar_to(index, "nowhere", 1), lambda: more_like(index, "nowhere")):
        with pytest.raises(NotIndexed):
            call()
    with pytest.raises(InvalidQuery):
        similar_to(index, "s1.zero", 1)
    assert more_like(index, "s1").total == 0


def test_an_image_is_left_out_of_those_like_it_alone_or_with_its_study_or_patient(index: SearchIndex) -> None:
    index.upsert([study_of("s1", images=2), study_of("s2"), study_of("s3", patient="p2")])
    of = {exclude: image_ids(similar_to(index, "s1.0", 9, exclude=exclude)) for exclude in Exclude}
    assert of == {
        Exclude.NOTHING: ["s1.0", "s1.1", "s2.0", "s3.0"],
        Exclude.IMAGE: ["s1.1", "s2.0", "s3.0"],
        Exclude.STUDY: ["s2.0", "s3.0"],
        Exclude.PATIENT: ["s3.0"],
    }
    assert image_ids(similar_to(index, "s1.0", 1, Filters(without_images=["s1.1"]), offset=1)) == ["s3.0"]


def test_likeness_and_words_are_fused_by_rank(index: SearchIndex) -> None:
    def study(name: str, vector: list[float], findings: str) -> StudyDocuments:
        key = StudyKey("p1", name)
        return StudyDocuments(
            study=key, images=[image(key, vector=vector)], reports=[report(key, findings=findings)], inputs="a"
        )

    index.upsert([study("a", [1, 0], "heart"), study("b", [1, 0.1], "edema"), study("c", [0, 1], "edema edema lung")])
    index.compact()
    hits = hybrid(index, [1.0, 0.0], "edema", 3)
    ranks = [(h.document.study, h.likeness and h.likeness.rank, h.words and h.words.rank) for h in hits]
    assert ranks == [("b", 2, 1), ("c", 3, 2), ("a", 1, None)]
    assert hits[0].score == pytest.approx(1 / 62 + 1 / 61)
    only_alike = hybrid(index, [1.0, 0.0], "the", 3)
    assert [(h.document.study, h.words) for h in only_alike] == [("a", None), ("b", None), ("c", None)]


def test_pages_of_images_join_to_the_whole(index: SearchIndex) -> None:
    images = [image(A, f"{n:02}", vector=[1.0, n % 7]) for n in range(25)]
    index.upsert([StudyDocuments(study=A, images=images, inputs="a"), study_of("s2")])
    whole = index.similar([1.0, 1.0], 500, Filters(studies=["s1"]))
    pages = [hit for offset in (0, 10, 20, 30) for hit in index.similar([1.0, 1.0], 10, Filters(studies=["s1"]), offset)]
    assert (pages, len(set(image_ids(whole)))) == (list(whole), 25)
    fused = hybrid(index, [1.0, 1.0], "", WINDOW)
    assert [hit for offset in range(0, 30, 10) for hit in hybrid(index, [1.0, 1.0], "", 10, offset=offset)] == list(fused)
