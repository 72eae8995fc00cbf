"""What every search index must do, case by case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from search_documents import image, report, study_of

from medsearch_core.errors import IndexMismatch, InvalidQuery, NotIndexed
from medsearch_core.keys import StudyKey
from medsearch_core.search.answers import Counts
from medsearch_core.search.documents import StudyDocuments
from medsearch_core.search.hybrid import WINDOW, hybrid
from medsearch_core.search.index import SearchIndex
from medsearch_core.search.likeness import Exclude, similar_to
from medsearch_core.search.more_like import more_like
from medsearch_core.search.query import Filters, TextField
from medsearch_core.search.verification import verify

A, B, C = StudyKey("p1", "s1"), StudyKey("p1", "s2"), StudyKey("p2", "s3")


def ids(page: Any) -> list[str]:
    return [hit.document.report_id for hit in page.hits]


def image_ids(hits: Any) -> list[str]:
    return [hit.document.image_id for hit in hits]


def reports(*texts: str) -> list[StudyDocuments]:
    """Studies s0, s1, … with one report each, of these findings."""
    return [study_of(f"s{n}", images=0, findings=text) for n, text in enumerate(texts)]


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
    for wrong in ({"offset": -1}, {"limit": 1001}, {"offset": 9_999, "limit": 2}):
        with pytest.raises(InvalidQuery):
            index.list_images(**wrong)


def test_vectors_come_back_as_directions(index: SearchIndex) -> None:
    held = {"a": [3.0, 4.0], "b": [0.0, 0.0], "c": [1e-30, 0.0], "d": [0.0, -1e30]}
    index.upsert([StudyDocuments(study=A, images=[image(A, n, vector=v) for n, v in held.items()], inputs="a")])
    found = index.vectors(["s1.d", "nowhere", "s1.a", "s1.b", "s1.c", "s1.a"])
    assert found[1] is None
    for got, due in zip(found, [[0, -1], None, [0.6, 0.8], [0, 0], [1, 0], [0.6, 0.8]], strict=True):
        assert due is None or got == pytest.approx(due, abs=1e-7)
    assert image_ids(index.similar([1.0, 0.0], 2)) == ["s1.c", "s1.a"]


def test_the_studies_held_are_told_with_their_inputs(index: SearchIndex) -> None:
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
    codes = {"present_codes": ["J18.9", "I50"], "absent_codes": ["J18.9"], "uncertain_codes": ["J18.9"]}
    others = {"present_codes": ["I50.9", "AJ18.9"], "absent_codes": ["J2", "1J18"], "uncertain_codes": []}
    for key, held in ((A, codes), (B, others)):
        index.upsert([StudyDocuments(study=key, images=[image(key, **held)], reports=[report(key, **held)], inputs="a")])
    for narrowed in (Filters(present=[code, "i"]), Filters(absent=[code]), Filters(uncertain=[code, "J18"])):
        if code == "J" and narrowed.absent:
            continue
        assert image_ids(index.similar([1.0, 0.0], 9, narrowed)) == ["s1.1"]
        assert ids(index.text("", filters=narrowed)) == ["s1"]
    assert index.count(Filters(present=[code + "0"])) == Counts(images=0, reports=0)


def test_a_release_is_verified_by_what_it_holds_and_finds(index: SearchIndex) -> None:
    index.upsert([study_of("s1", images=3), study_of("s2", images=12)])
    held = ["s1.0", "s1.1", "s2.0", "s2.11"]
    good = verify(index, (15, 2, 2), held)
    assert (good.recall, good.sample, good.faults(1.0)) == (1.0, 4, [])
    assert len(verify(index, (15, 3, 1), held).faults(1.0)) == 2


def test_words_are_found_by_stem_case_and_accent(index: SearchIndex) -> None:
    index.upsert(reports("Small EFFUSIONS.", "an opacity", "Sjögren", "hilar oedema", "pneumothoraces"))
    found = {"effusion": "s0", "Opacities": "s1", "sjogren": "s2", "SJÖGREN": "s2", "edema": "s3", "Pneumothorax": "s4"}
    assert {word: ids(index.text(word)) for word in found} == {word: [id_] for word, id_ in found.items()}


def test_words_are_runs_of_letters_and_digits_shorter_than_forty(index: SearchIndex) -> None:
    index.upsert(reports("right_lower-lobe", "T12/L1", "x" * 39 + " " + "y" * 40))
    found = {"lower": ["s0"], "right_lower": ["s0"], "l1": ["s1"], "t12l1": [], "x" * 39: ["s2"], "y" * 40 + " lobe": ["s0"]}
    assert {word: ids(index.text(word)) for word in found} == found


def test_a_word_given_twice_counts_once(index: SearchIndex) -> None:
    index.upsert(reports("edema", "heart heart lung", "lung"))
    index.compact()
    once, twice = index.text("heart edema"), index.text("heart Edema edema oedema heart")
    assert [(h.document.report_id, h.score) for h in once.hits] == [(h.document.report_id, h.score) for h in twice.hits]


def test_reports_like_a_report_share_its_words(index: SearchIndex) -> None:
    held = ["edema of the heart", "a heart with edema", "edema", "lung", "The", " ".join(f"w{n}" for n in range(400)) + " lung"]
    index.upsert(reports(*held))
    index.compact()
    assert ids(more_like(index, "s0")) == ["s1", "s2"]
    assert (ids(more_like(index, "s0", offset=1, limit=1)), more_like(index, "s0").total) == (["s2"], 2)
    assert ids(more_like(index, "s0", Filters(without_reports=["s1"]))) == ["s2"]
    assert more_like(index, "s4").total == 0
    assert more_like(index, "s5").total == 0


def test_words_are_looked_for_in_the_chosen_fields(index: SearchIndex) -> None:
    index.upsert([study_of("s1", findings="edema", impression="heart", text="edema heart cardiac")])
    assert [index.text(w).total for w in ("edema", "heart", "cardiac")] == [1, 1, 0]
    assert index.text("heart", [TextField.FINDINGS]).total == 0
    assert index.text("heart", [TextField.IMPRESSION]).total == 1
    assert index.text("cardiac", [TextField.REPORT, TextField.FINDINGS]).total == 1


@pytest.mark.parametrize(
    "query",
    [
        '"edema',
        "edema AND",
        "+edema -lung",
        "edema:(",
        "{edema}",
        "[edema TO",
        "edema^9~2*?",
        "\\edema/",
        "NOT edema",
        "edema\0",
    ],
)
def test_operators_are_only_text(index: SearchIndex, query: str) -> None:
    index.upsert(reports("edema", "heart"))
    assert ids(index.text(query)) == ["s0"]


@pytest.mark.parametrize("query", ["", "  ", '"', "(){}[]^~*?\\/", "the", "No and NOT", "\0", "\ud800", "😀", "x" * 50_000])
def test_a_query_without_a_word_gives_all_reports_by_id(index: SearchIndex, query: str) -> None:
    index.upsert(reports("edema", "heart", "lung"))
    page = index.text(query, offset=1, limit=1)
    assert (ids(page), page.total, page.hits[0].score) == (["s1"], 3, 0.0)


def test_a_long_query_of_few_words_is_answered(index: SearchIndex) -> None:
    index.upsert(reports("edema", "heart"))
    assert ids(index.text("word1 the word2 " * 10_000 + " edema")) == ["s0"]


def test_pages_join_to_the_whole_and_the_total_is_exact(index: SearchIndex) -> None:
    index.upsert(reports(*["edema " * (n % 3 + 1) for n in range(25)], "heart"))
    whole = ids(index.text("edema", limit=100))
    pages = [i for offset in (0, 10, 20, 30) for i in ids(index.text("edema", offset=offset, limit=10))]
    assert (pages, len(set(whole)), index.text("edema", limit=0).total) == (whole, 25, 25)


def test_pages_of_images_join_to_the_whole(index: SearchIndex) -> None:
    images = [image(A, f"{n:02}", vector=[1.0, n % 7]) for n in range(25)]
    index.upsert([StudyDocuments(study=A, images=images, inputs="a"), study_of("s2")])
    whole = index.similar([1.0, 1.0], 500, Filters(studies=["s1"]))
    pages = [hit for offset in (0, 10, 20, 30) for hit in index.similar([1.0, 1.0], 10, Filters(studies=["s1"]), offset)]
    assert (pages, len(set(image_ids(whole)))) == (list(whole), 25)
    fused = hybrid(index, [1.0, 1.0], "", WINDOW)
    assert [hit for offset in range(0, 30, 10) for hit in hybrid(index, [1.0, 1.0], "", 10, offset=offset)] == list(fused)


def test_a_filter_leaves_reports_with_lower_scores_on_the_page(index: SearchIndex) -> None:
    best = [study_of(f"a{n}", patient="p1", images=0, findings="edema edema edema") for n in range(50)]
    index.upsert([*best, study_of("b", patient="p2", images=0, findings="edema of the lungs and of the heart")])
    page = index.text("edema", filters=Filters(patients=["p2"]), limit=1)
    assert (ids(page), page.total) == (["b"], 1)


def test_a_report_counts_once_for_a_value(index: SearchIndex) -> None:
    index.upsert(
        [
            study_of("s1", images=0, positive_signs=["b", "b", "a"], patient_sex="F"),
            study_of("s2", images=0, positive_signs=["a", "c"], findings="edema"),
            study_of("s3", images=0, positive_signs=[], patient_sex="F"),
        ]
    )
    assert [(c.value, c.count) for c in index.facets("positive_signs")] == [("a", 2), ("b", 1), ("c", 1)]
    assert [(c.value, c.count) for c in index.facets("positive_signs", size=1)] == [("a", 2)]
    assert [(c.value, c.count) for c in index.facets("positive_signs", query="edema")] == [("a", 1), ("c", 1)]
    assert [(c.value, c.count) for c in index.facets("patient_sex")] == [("F", 2)]
