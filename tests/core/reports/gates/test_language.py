"""Every language is named, and terse English stays English. The texts are in `languages.csv`."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsearch_core.reports.data_files import read_rows, rows
from medsearch_core.reports.evaluation.corpus import read_annotated_mentions
from medsearch_core.reports.gates.language import WORD, fold_letters, language_of

TEXTS = [(row["language"], row["text"].replace("\\n", "\n")) for row in read_rows(Path(__file__).with_name("languages.csv"))]


@pytest.mark.parametrize(("language", "text"), TEXTS)
def test_the_language_of_a_text_is_named(language: str, text: str) -> None:
    assert language_of(text) == language


def test_every_text_of_the_corpus_is_english() -> None:
    corpus = read_annotated_mentions(read_rows(Path(__file__).parents[1] / "corpus.csv"))
    assert [row.text for row in corpus if language_of(row.text) != "English"] == []


def test_terms_of_medicine_are_english_however_latin_they_are() -> None:
    icd = pytest.importorskip("simple_icd_10_cm", reason="terms of ICD-10-CM")
    terms = {icd.get_description(code) for code in icd.get_all_codes()}
    assert len(terms) > 70_000
    assert [term for term in terms if language_of(term) != "English"] == []


def test_case_says_nothing() -> None:
    wrong = [text for language, text in TEXTS if language_of(text.upper()) != language]
    assert wrong == []


def test_diacritics_may_be_missing_in_any_language_with_latin_letters() -> None:
    latin = [(language, fold_letters(text.lower())) for language, text in TEXTS if language != "English"]
    named = [(language, language_of(text)) for language, text in latin if text.isascii()]
    wrong = [pair for pair in named if pair[0] != pair[1]]
    assert len(named) > 80
    assert wrong == [("Portuguese", "Spanish")]  # "ausencia de pneumothorax" is both, and spelled as in Spanish


def test_an_english_header_does_not_hide_a_foreign_body() -> None:
    header = "EXAMINATION: CHEST RADIOGRAPH\nINDICATION: Cough and fever.\nCOMPARISON: None.\n\n"
    assert (
        language_of(header + "Kein Infiltrat. Herz nicht vergrößert, keine Stauung. Kein Pleuraerguss beidseits.") == "German"
    )


def test_a_quoted_foreign_word_does_not_make_a_report_foreign() -> None:
    assert language_of('Patient says "dolor torácico". The lungs are clear. No effusion is seen.') == "English"


def test_nothing_is_english() -> None:
    assert language_of("") == language_of(" \n") == language_of("___") == "English"


def test_a_long_text_of_one_word_is_read() -> None:
    assert language_of("kein " * 60_000) == "German"


def test_no_word_that_only_a_foreign_report_holds_stands_in_the_words_of_english() -> None:
    english, *others = rows("languages.csv")
    assert english["language"] == "English"
    common = set(english["common"].split())
    for row in others:
        own = {fold_letters(word) for word in row["words"].split()}
        assert own.isdisjoint(common), row["language"]
        assert own.isdisjoint(fold_letters(word) for word in row["common"].split()), row["language"]
        assert all(WORD.fullmatch(word) for word in own), row["language"]
