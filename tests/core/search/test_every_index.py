"""What every search index stores, rejects and filters, case by case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from medsearch_core.errors import IndexMismatch, InvalidQuery
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import StudyDocuments
from medsearch_core.search.hybrid import WINDOW, hybrid
from medsearch_core.search.index import SearchIndex
from medsearch_core.search.query import Filters, TextField
from medsearch_core.search.results import Counts
from medsearch_core.search.verification import verify
from tests.core.search.search_cases import A, B, C, ids, image_ids
from tests.core.search.search_documents import image, report, study_of


def test_an_index_never_written_to_answers_with_nothing(index: SearchIndex) -> None:
    assert index.health().images == index.health().reports == index.health().studies == 0
    assert index.similar([1.0, 0.0], 5) == []
    assert (index.list_images().total, list(index.list_images().images)) == (0, [])
    assert (index.text("effusion").total, list(index.text("").hits)) == (0, [])
    assert index.facets("positive_signs") == []
    assert (index.images(["x"]), index.reports(["x"]), index.images_of_reports(["x"])) == ([None], [None], [[]])
    assert (list(index.vectors(["x"])), dict(index.studies()), index.count()) == ([None], {}, Counts(images=0, reports=0))
    assert hybrid(index, [1.0, 0.0], "effusion", 5) == []
    index.delete([A])
    index.compact()
    assert index.upsert([]) == 0
    assert index.upsert([StudyDocuments(study=A, inputs="a")]) == 0


def test_documents_come_back_as_they_went_in_but_without_vectors(index: SearchIndex) -> None:
    first = image(
        A, modality="CR", present_codes=("J18.9",), patient_age_years=40.5, is_representative=False, tags=("b", "a"),
        vector=[0.5, -2],
    )  # fmt: skip
    second = report(A, findings="lungs", positive_signs=("b", "a"), patient_sex="F", tags=("t",))
    index.upsert([StudyDocuments(study=A, images=[first], reports=[second], inputs="a")])
    bare = replace(first, vector=())
    assert index.images([first.image_id]) == [bare]
    assert [list(images) for images in index.images_of_reports([A.study])] == [[bare]]
    assert [h.document for h in index.similar([1.0, 0.0], 1)] == [bare]
    assert [h.document for h in hybrid(index, [1.0, 0.0], "lung", 1)] == [bare]
    assert index.reports([second.report_id]) == [second]
    assert [h.document for h in index.text("lung").hits] == [second]


def test_images_are_listed_by_study_and_id_in_pages(index: SearchIndex) -> None:
    held = {A: ["b", "a"], C: ["c"], B: ["e", "d"]}
    index.upsert([StudyDocuments(study=k, images=[image(k, image_id=i) for i in ids_], inputs="1") for k, ids_ in held.items()])

    def listed(**asked: Any) -> tuple[int, str]:
        page = index.list_images(**asked)
        assert all(i.vector == () for i in page.images)
        return page.total, "".join(i.image_id for i in page.images)

    assert listed() == (5, "abdec")
    assert [listed(offset=n, limit=2) for n in (0, 2, 4, 6)] == [(5, "ab"), (5, "de"), (5, "c"), (5, "")]
    assert listed(filters=Filters(patients=["p1"]), offset=1, limit=2) == (4, "bd")
    assert listed(limit=0) == (5, "")
    for offset, limit in ((-1, 2), (0, 1001), (9_999, 2)):
        with pytest.raises(InvalidQuery):
            index.list_images(offset=offset, limit=limit)


def test_vectors_come_back_as_directions(index: SearchIndex) -> None:
    held = {"a": [3.0, 4.0], "b": [0.0, 0.0], "c": [1e-30, 0.0], "d": [0.0, -1e30]}
    index.upsert([StudyDocuments(study=A, images=[image(A, n, vector=v) for n, v in held.items()], inputs="a")])
    found = index.vectors(["s1.d", "nowhere", "s1.a", "s1.b", "s1.c", "s1.a"])
    assert found[1] is None
    for got, due in zip(found, [[0, -1], None, [0.6, 0.8], [0, 0], [1, 0], [0.6, 0.8]], strict=True):
        assert due is None or got == pytest.approx(due, abs=1e-7)
    assert image_ids(index.similar([1.0, 0.0], 2)) == ["s1.c", "s1.a"]


def test_stored_studies_are_listed_with_their_inputs(index: SearchIndex) -> None:
    index.upsert([study_of("s1", inputs="x"), study_of("s2", images=0), study_of("s3", patient="p2", images=3)])
    index.delete([B])
    assert dict(index.studies()) == {A: "x", C: "a"}
    index.upsert([study_of("s1", inputs="y")])
    assert index.studies()[A] == "y"


def test_lookups_keep_the_order_asked_and_mark_what_is_missing(index: SearchIndex) -> None:
    index.upsert([study_of("s1", images=2), study_of("s2", images=0), study_of("s3", images=1)])
    found = index.images(["s3.0", "nowhere", "s1.1", "s3.0"])
    assert [i and i.image_id for i in found] == ["s3.0", None, "s1.1", "s3.0"]
    assert [r and r.report_id for r in index.reports(["s2", "'", "s1"])] == ["s2", None, "s1"]
    of = index.images_of_reports(["s2", "s1", "nowhere"])
    assert [[i.image_id for i in images] for images in of] == [[], ["s1.0", "s1.1"], []]
    of = index.images_of_reports(["s3", "s1", "s1"], Filters(without_images=["s1.0"]))
    assert [[i.image_id for i in images] for images in of] == [["s3.0"], ["s1.1"], ["s1.1"]]


def test_an_upsert_replaces_the_whole_study_and_nothing_else(index: SearchIndex) -> None:
    assert index.upsert([study_of("s1", images=3), study_of("s2")]) == 2
    assert index.upsert([study_of("s1", images=1, inputs="b")]) == 1
    health = index.health()
    assert (health.images, health.reports, health.studies) == (2, 2, 2)
    assert index.images(["s1.2"]) == [None]


def test_a_study_with_unchanged_inputs_is_not_written(index: SearchIndex) -> None:
    assert index.upsert([study_of("s1"), study_of("s2")]) == 2
    assert index.upsert([study_of("s1", findings="cardiac"), study_of("s2", inputs="b")]) == 1
    assert index.text("cardiac").total == 0


def test_a_study_with_empty_inputs_is_always_written_and_of_one_given_twice_the_last(index: SearchIndex) -> None:
    assert [index.upsert([study_of("s1", inputs="", findings="edema")]) for _ in range(2)] == [1, 1]
    assert index.upsert([study_of("s1", inputs="b", findings="lung"), study_of("s1", inputs="c", findings="heart")]) == 1
    assert (index.text("heart").total, index.text("").total) == (1, 1)


def test_a_study_without_documents_is_removed_once(index: SearchIndex) -> None:
    index.upsert([study_of("s1"), study_of("s2")])
    empty = StudyDocuments(study=A, inputs="b")
    assert (index.upsert([empty]), index.upsert([empty])) == (1, 0)
    assert index.health().studies == 1
    index.delete([B, C])
    assert index.health().studies == 0
    assert index.upsert([study_of("s1")]) == 1


@pytest.mark.parametrize("other", [{"model_version": "2"}, {"model_id": "huge"}, {"vector": [1.0, 0.0, 0.0]}])
def test_images_of_another_model_are_refused_until_no_image_is_left(index: SearchIndex, other: dict[str, Any]) -> None:
    index.upsert([study_of("s1")])
    new = StudyDocuments(study=C, images=[image(C, **other)], inputs="a")
    with pytest.raises(IndexMismatch):
        index.upsert([study_of("s2"), new])
    with pytest.raises(IndexMismatch):
        index.upsert([new])
    assert index.health().studies == 1
    index.upsert([study_of("s1", images=0, inputs="b")])
    assert index.upsert([new]) == 1
    health = index.health()
    assert (health.model_id, health.model_version) == (other.get("model_id", "tiny"), other.get("model_version", "1"))
    assert health.dimensions == len(new.images[0].vector)
    assert index.similar(new.images[0].vector, 1)[0].score == 1.0


@pytest.mark.parametrize("vector", [[], [float("nan"), 1.0], [float("inf"), 1.0]])
def test_an_image_without_a_finite_vector_is_refused(index: SearchIndex, vector: list[float]) -> None:
    with pytest.raises(IndexMismatch):
        index.upsert([StudyDocuments(study=A, images=[image(A, vector=vector)], inputs="a")])


REFUSED: dict[str, Callable[[SearchIndex], Any]] = {
    "no hits": lambda index: index.similar([1.0, 0.0], 0),
    "too many hits": lambda index: index.similar([1.0, 0.0], 501),
    "before the first hit": lambda index: index.similar([1.0, 0.0], 1, offset=-1),
    "too deep": lambda index: index.similar([1.0, 0.0], 2, offset=9_999),
    "zero vector": lambda index: index.similar([0.0, 0.0], 1),
    "not a number": lambda index: index.similar([float("nan"), 0.0], 1),
    "infinite": lambda index: index.similar([float("inf"), 0.0], 1),
    "no vector": lambda index: index.similar([], 1),
    "before the first report": lambda index: index.text("", offset=-1),
    "too large a page": lambda index: index.text("", limit=1001),
    "negative page": lambda index: index.text("", limit=-1),
    "too deep a page": lambda index: index.text("", offset=9_990, limit=11),
    "too many words": lambda index: index.text(" ".join(f"secret{n}" for n in range(257))),
    "too many words to count": lambda index: index.facets("tags", query=" ".join(f"secret{n}" for n in range(257))),
    "not a date": lambda index: index.text("", filters=Filters(from_date="secret")),
    "not a day": lambda index: index.text("", filters=Filters(to_date="2020-02-30")),
    "age not a number": lambda index: index.text("", filters=Filters(min_age_years=float("nan"))),
    "infinite age": lambda index: index.facets("tags", Filters(max_age_years=float("inf"))),
    "blank code": lambda index: index.similar([1.0, 0.0], 1, Filters(present=[" "])),
    "blank absent code": lambda index: index.count(Filters(absent=[""])),
    "blank code left out": lambda index: index.similar([1.0, 0.0], 1, Filters(without_present=["J", " "])),
    "blank uncertain code": lambda index: index.images_of_reports(["s1"], Filters(uncertain=["J", ""])),
    "no facets of text": lambda index: index.facets("text"),
    "no such facets": lambda index: index.facets("secret"),
    "no values": lambda index: index.facets("positive_signs", size=0),
    "too many values": lambda index: index.facets("positive_signs", size=1001),
    "no hybrid hits": lambda index: hybrid(index, [1.0, 0.0], "secret", 0),
    "hybrid before the first hit": lambda index: hybrid(index, [1.0, 0.0], "secret", 1, offset=-1),
    "too deep a hybrid": lambda index: hybrid(index, [1.0, 0.0], "secret", WINDOW, offset=1),
    "hybrid of a zero vector": lambda index: hybrid(index, [0.0, 0.0], "secret", 1),
}


@pytest.mark.parametrize("is_empty", [True, False])
def test_malformed_queries_are_refused_without_quoting_them(index: SearchIndex, is_empty: bool) -> None:
    if not is_empty:
        index.upsert([study_of("s1")])
    for name, call in REFUSED.items():
        with pytest.raises(InvalidQuery) as error:
            pytest.fail(f"{name}: {call(index)}")
        assert "secret" not in str(error.value)


def test_the_largest_that_may_be_asked_is_answered(index: SearchIndex) -> None:
    index.upsert([study_of("s1", findings="edema")])
    assert len(index.similar([1.0, 0.0], 500)) == 1
    assert index.similar([1.0, 0.0], 500, offset=9_500) == []
    assert len(index.text("", limit=1000).hits) == 1
    assert index.text("edema", offset=9_000, limit=1000).total == 1
    assert index.text("edema " + " ".join(f"word{n}" for n in range(255)), tuple(TextField)).total == 1
    assert len(index.facets("study", size=1000)) == 1
    assert len(hybrid(index, [1.0, 0.0], "edema", WINDOW)) == 1


def test_filters_name_reports_and_tags(index: SearchIndex) -> None:
    alone = image(C, "alone", report_id=None, tags=["x"])
    index.upsert([study_of("s1", tags=["x", "y"]), study_of("s2", tags=["z"]), StudyDocuments(study=C, images=[alone])])
    found: list[tuple[Filters, list[str], list[str]]] = [
        (Filters(reports=["s1", "nowhere"]), ["s1.0"], ["s1"]),
        (Filters(without_reports=["s1"]), ["s2.0", "s3.alone"], ["s2"]),
        (Filters(without_images=["s1.0", "s1"]), ["s2.0", "s3.alone"], ["s1", "s2"]),
        (Filters(tags=["x"]), ["s3.alone"], ["s1"]),
        (Filters(tags=["y", "z"]), [], ["s1", "s2"]),
        (Filters(tags=["X"]), [], []),
    ]
    for narrowed, images, reports_ in found:
        assert image_ids(index.similar([1.0, 0.0], 9, narrowed)) == images
        assert ids(index.text("", filters=narrowed)) == reports_
        assert index.count(narrowed) == Counts(images=len(images), reports=len(reports_))
    assert [(c.value, c.count) for c in index.facets("tags")] == [("x", 1), ("y", 1), ("z", 1)]


@pytest.mark.parametrize("code", ["J", "j1", "J18", "J18.", "J18.9", " j18.9 "])
def test_a_code_finds_itself_and_every_code_that_begins_with_it(index: SearchIndex, code: str) -> None:
    codes: dict[str, Any] = {"present_codes": ["J18.9", "I50"], "absent_codes": ["J18.9"], "uncertain_codes": ["J18.9"]}
    others: dict[str, Any] = {"present_codes": ["I50.9", "AJ18.9"], "absent_codes": ["J2", "1J18"], "uncertain_codes": []}
    for key, held in ((A, codes), (B, others)):
        index.upsert([StudyDocuments(study=key, images=[image(key, **held)], reports=[report(key, **held)], inputs="a")])
    for narrowed in (Filters(present=[code, "i"]), Filters(absent=[code]), Filters(uncertain=[code, "J18"])):
        if code == "J" and narrowed.absent:
            continue
        assert image_ids(index.similar([1.0, 0.0], 9, narrowed)) == ["s1.1"]
        assert ids(index.text("", filters=narrowed)) == ["s1"]
    assert index.count(Filters(present=[code + "0"])) == Counts(images=0, reports=0)


def test_without_present_leaves_out_only_what_a_report_says_is_there(index: SearchIndex) -> None:
    held: dict[StudyKey, dict[str, Any]] = {
        A: {"present_codes": ["J93.9", "I50"], "absent_codes": ["J90"]},
        B: {"present_codes": ["J18.9"], "absent_codes": ["J93.9"], "uncertain_codes": ["J93.0"]},
    }
    index.upsert(
        [StudyDocuments(study=k, images=[image(k, **v)], reports=[report(k, **v)], inputs="a") for k, v in held.items()]
    )
    index.upsert([StudyDocuments(study=C, images=[image(C, report_id=None)], inputs="a")])
    found: list[tuple[Filters, list[str], list[str]]] = [
        (Filters(without_present=["J93.9"]), ["s2.1", "s3.1"], ["s2"]),
        (Filters(without_present=[" j9"]), ["s2.1", "s3.1"], ["s2"]),
        (Filters(without_present=["J18", "I5"]), ["s3.1"], []),
        (Filters(without_present=["J93.90", "J90"]), ["s1.1", "s2.1", "s3.1"], ["s1", "s2"]),
        (Filters(without_present=["I50"], absent=["J93"]), ["s2.1"], ["s2"]),
        (Filters(without_present=["J93.9"], present=["J93"]), [], []),
    ]
    for narrowed, images, reports_ in found:
        assert image_ids(index.similar([1.0, 0.0], 9, narrowed)) == images
        assert ids(index.text("", filters=narrowed)) == reports_
        assert index.count(narrowed) == Counts(images=len(images), reports=len(reports_))


def test_a_release_is_verified_by_what_it_holds_and_finds(index: SearchIndex) -> None:
    index.upsert([study_of("s1", images=3), study_of("s2", images=12)])
    held = ["s1.0", "s1.1", "s2.0", "s2.11"]
    good = verify(index, (15, 2, 2), held)
    assert (good.recall, good.sample, good.problems(1.0)) == (1.0, 4, [])
    assert len(verify(index, (15, 3, 1), held).problems(1.0)) == 2
