"""The question's tables: what they name exists, and no phrase stands twice."""

from __future__ import annotations

from collections import Counter

import pytest

from medsearch_core.questions.languages import GRAMMAR, STEMMERS
from medsearch_core.questions.terms import ALONE, FOLDER, meanings_of, narrower_of, terms
from medsearch_core.reports.data_files import read_rows, rows
from medsearch_core.reports.lexicon.vocabulary import vocabulary
from medsearch_core.reports.text.phrases import spellings
from medsearch_core.reports.text.words import fold
from tests.core.questions.written import written


@pytest.mark.parametrize("term", sorted(terms().meanings))
def test_a_term_means_concepts_of_the_vocabulary_one_of_them_fully(term: str) -> None:
    meanings = {name.removesuffix(ALONE): weight for name, weight in terms().meanings[term].items()}
    assert meanings.keys() - vocabulary().concepts.keys() == set()
    assert max(meanings.values()) == 1
    assert all(0 < weight <= 1 for weight in meanings.values())


def test_no_phrase_is_of_two_terms() -> None:
    phrases = {
        (row["name"], " ".join(map(fold, words)))
        for row in read_rows(FOLDER / "terms.csv")
        for phrase in row["phrases"].split("|")
        for words in spellings(phrase)
    }
    assert [phrase for phrase, times in Counter(phrase for _, phrase in phrases).items() if times > 1] == []


def test_a_looser_narrower_concept_stands_in_the_hierarchy() -> None:
    known = {(row["concept"], row["broader"]) for row in rows("hierarchy.csv")}
    assert {(row["concept"], row["broader"]) for row in read_rows(FOLDER / "looser.csv")} <= known


def test_what_is_narrower_weighs_less_with_each_step() -> None:
    steps = narrower_of("fracture")
    assert 0 < steps["femoral neck fracture"] < steps["hip fracture"] < 1


def test_a_term_of_no_organ_is_of_every_organ_but_the_chest_first() -> None:
    meanings = meanings_of(vocabulary().findings.find(["abscess"])[0].value)
    assert meanings["abscess"] == meanings["lung abscess"] == 1
    assert 0 < meanings["liver abscess"] < 1


def test_a_name_in_another_language_asks_for_what_its_english_name_asks_for() -> None:
    table = [row for row in read_rows(FOLDER / "languages.csv") if row["english"] not in (*GRAMMAR, "but")]
    assert {row["language"] for row in table} == {*STEMMERS, "zh"}
    assert [row for row in table if written(row["phrase"]) != written(row["english"])] == []
