"""How every search index finds words and counts values, case by case."""

from __future__ import annotations

import pytest

from medsearch_core.search.index import SearchIndex
from medsearch_core.search.query import Filters, TextField
from medsearch_core.search.similar_reports import more_like
from tests.core.search.search_cases import ids, reports
from tests.core.search.search_documents import study_of


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
