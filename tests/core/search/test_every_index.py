"""What every search index must do. Another implementation joins by one more line in `OPEN`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference_index import ReferenceIndex
from search_documents import filters, image, queries, report, single_filters, studies, study_of, text_fields, vectors

from medsearch_core.errors import IndexMismatch, InvalidQuery
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import StudyDocuments
from medsearch_core.search.embedded import open_embedded
from medsearch_core.search.index import Filters, SearchIndex, TextField

OPEN: dict[str, Callable[[Path], SearchIndex]] = {"embedded": lambda folder: open_embedded(str(folder))}

A, B, C = StudyKey("p1", "s1"), StudyKey("p1", "s2"), StudyKey("p2", "s3")


@pytest.fixture(params=OPEN)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> SearchIndex:
    """An index that nothing was written to."""
    return OPEN[request.param](tmp_path / "index")


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
    assert (index.text("effusion").total, list(index.text("").hits)) == (0, [])
    assert index.facets("positive_signs") == []
    assert (index.images(["x"]), index.reports(["x"]), index.images_of_reports(["x"])) == ([None], [None], [[]])
    index.delete([A])
    assert index.upsert([]) == 0
    assert index.upsert([StudyDocuments(study=A, inputs="a")]) == 0


def test_documents_come_back_as_they_went_in(index: SearchIndex) -> None:
    first = image(A, modality="CR", present_codes=("J18.9",), patient_age_years=40.5, is_representative=False, vector=[0.5, -2])
    second = report(A, findings="lungs", positive_signs=("b", "a"), patient_sex="F")
    index.upsert([StudyDocuments(study=A, images=[first], reports=[second], inputs="a")])
    (got,) = index.images([first.image_id])
    assert got is not None
    assert replace(got, vector=list(got.vector)) == first
    assert index.reports([second.report_id]) == [second]


def test_lookups_keep_the_order_asked_and_mark_what_is_missing(index: SearchIndex) -> None:
    index.upsert([study_of("s1", images=2), study_of("s2", images=0), study_of("s3", images=1)])
    found = index.images(["s3.0", "nowhere", "s1.1", "s3.0"])
    assert [i and i.image_id for i in found] == ["s3.0", None, "s1.1", "s3.0"]
    assert [r and r.report_id for r in index.reports(["s2", "'", "s1"])] == ["s2", None, "s1"]
    of = index.images_of_reports(["s2", "s1", "nowhere"])
    assert [[i.image_id for i in images] for images in of] == [[], ["s1.0", "s1.1"], []]


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


def test_malformed_queries_are_refused_without_quoting_them(index: SearchIndex) -> None:
    index.upsert([study_of("s1")])
    refused: list[Callable[[], Any]] = [
        lambda: index.similar([1.0, 0.0], 0),
        lambda: index.similar([1.0, 0.0], 501),
        lambda: index.similar([0.0, 0.0], 1),
        lambda: index.similar([float("nan"), 0.0], 1),
        lambda: index.similar([float("inf"), 0.0], 1),
        lambda: index.similar([], 1),
        lambda: index.text("", offset=-1),
        lambda: index.text("", limit=1001),
        lambda: index.text("", limit=-1),
        lambda: index.text("", filters=Filters(from_date="secret")),
        lambda: index.text("", filters=Filters(to_date="2020-02-30")),
        lambda: index.text("", filters=Filters(min_age_years=float("nan"))),
        lambda: index.text("", filters=Filters(max_age_years=float("inf"))),
        lambda: index.similar([1.0, 0.0], 1, Filters(present=[" "])),
        lambda: index.facets("text"),
        lambda: index.facets("secret"),
        lambda: index.facets("positive_signs", size=0),
    ]
    for call in refused:
        with pytest.raises(InvalidQuery) as error:
            call()
        assert "secret" not in str(error.value)
    with pytest.raises(IndexMismatch):
        index.similar([1.0, 0.0, 0.0], 1)


def test_words_are_found_by_stem_case_and_accent(index: SearchIndex) -> None:
    index.upsert(reports("Small EFFUSIONS.", "an opacity", "Sjögren"))
    assert ids(index.text("effusion")) == ["s0"]
    assert ids(index.text("Opacities")) == ["s1"]
    assert ids(index.text("sjogren")) == ["s2"]


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


@pytest.mark.parametrize("query", ["", "  ", '"', "(){}[]^~*?\\/", "the", "\0", "\ud800", "😀", "x" * 50_000])
def test_a_query_without_a_word_gives_all_reports_by_id(index: SearchIndex, query: str) -> None:
    index.upsert(reports("edema", "heart", "lung"))
    page = index.text(query, offset=1, limit=1)
    assert (ids(page), page.total, page.hits[0].score) == (["s1"], 3, 0.0)


def test_a_very_long_query_is_answered(index: SearchIndex) -> None:
    index.upsert(reports("edema", "heart"))
    assert ids(index.text(" ".join(f"word{n}" for n in range(10_000)) + " edema")) == ["s0"]


def test_pages_join_to_the_whole_and_the_total_is_exact(index: SearchIndex) -> None:
    index.upsert(reports(*["edema " * (n % 3 + 1) for n in range(25)], "heart"))
    whole = ids(index.text("edema", limit=100))
    pages = [i for offset in (0, 10, 20, 30) for i in ids(index.text("edema", offset=offset, limit=10))]
    assert (pages, len(set(whole)), index.text("edema", limit=0).total) == (whole, 25, 25)


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


question = st.tuples(single_filters() | filters, vectors, st.sampled_from([1, 2, 5, 50]), queries, text_fields)
change = st.one_of(
    st.lists(studies(), max_size=6),
    st.lists(studies(), max_size=6),
    st.builds(StudyKey, st.sampled_from(["p1", "p2"]), st.sampled_from(["s1", "s2"])),
    st.just("compact"),
)


@pytest.mark.parametrize("implementation", OPEN)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(change, min_size=1, max_size=4), st.lists(question, min_size=10, max_size=20))
def test_every_answer_is_that_of_the_plain_model(implementation: str, changes: list[Any], questions: list[Any]) -> None:
    with TemporaryDirectory() as folder:
        index, model = OPEN[implementation](Path(folder)), ReferenceIndex()
        for what in changes:
            if what == "compact":
                getattr(index, "compact", lambda: None)()
            elif isinstance(what, StudyKey):
                index.delete([what])
                model.delete([what])
            else:
                assert index.upsert(what) == model.upsert(what)
        health = index.health()
        assert (health.images, health.reports, health.studies) == (len(model.images), len(model.reports), len(model.studies))
        for asked in questions:
            assert_same_answers(index, model, *asked)


def assert_same_answers(
    index: SearchIndex,
    model: ReferenceIndex,
    narrowed: Filters,
    vector: list[float],
    k: int,
    query: str,
    fields: list[TextField],
) -> None:
    if any(vector):
        hits = [(h.document.image_id, h.score) for h in index.similar(vector, k, narrowed)]
        assert hits == model.similar(vector, k, narrowed)
    expected = model.text(query, fields, narrowed)
    page = index.text(query, fields, narrowed, limit=1000)
    assert (page.total, set(ids(page))) == (len(expected), set(expected))
    ranks = [(-h.score, h.document.report_id) for h in page.hits]
    assert ranks == sorted(ranks)
    for field in ("positive_signs", "patient_sex", "present_codes"):
        counts = [(c.value, c.count) for c in index.facets(field, narrowed, size=1000, query=query)]
        assert counts == model.facets(field, narrowed, query)
