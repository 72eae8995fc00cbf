"""Misspelt words of the data files' phrases."""

from __future__ import annotations

import pytest

from medsearch_core.reports.data_files import FOLDER, rows
from medsearch_core.reports.lexicon.spelling import NEIGHBORS, is_british, neighbors_file, phrase_words, spelling
from medsearch_core.reports.text.spelling import MIN_LETTERS
from medsearch_core.reports.text.words import fold

MISSPELT = {
    "cardiomegally": "cardiomegaly",
    "consoldation": "consolidation",
    "plueral": "pleural",
    "intuabted": "intubated",
    "interstital": "interstitial",
    "unremarkabel": "unremarkable",
    "haemorrhage": "hemorrhage",
}
CORRECT = [
    "infraction",
    "contusion",
    "thoracotomy",
    "tracheotomy",
    "afebrile",
    "hypoxemic",
    "parenchyma",
    "osteogenic",
    "Epstein",
]


@pytest.mark.parametrize(("misspelt", "word"), MISSPELT.items())
def test_a_misspelt_word_is_read(misspelt: str, word: str) -> None:
    assert spelling().corrections([misspelt]) == {0: word}


@pytest.mark.parametrize("word", CORRECT)
def test_a_correct_word_that_resembles_one_of_the_vocabulary_stays_as_it_is(word: str) -> None:
    assert spelling().corrections([fold(word)]) == {}


def test_no_word_of_the_phrases_is_corrected() -> None:
    assert spelling().corrections(list(phrase_words())) == {}


def test_nearly_every_word_with_two_letters_swapped_is_read_as_itself_and_hardly_any_as_another() -> None:
    swapped = {
        word[:i] + word[i + 1] + word[i] + word[i + 2 :]: word
        for word in phrase_words()
        if len(word) >= MIN_LETTERS
        for i in range(1, len(word) - 1)
        if word[i] != word[i + 1]
    }
    corrected = [(word, spelling().corrections([misspelt]).get(0)) for misspelt, word in swapped.items()]
    assert sum(word == found for word, found in corrected) >= 0.98 * len(corrected)
    assert sum(found not in (word, None) for word, found in corrected) <= 0.001 * len(corrected)


def test_a_british_spelling_is_no_word_of_its_own() -> None:
    assert is_british("haemorrhage", {"hemorrhage"})
    assert not is_british("infraction", {"infarction"})
    assert not any(is_british(row["word"], phrase_words()) for row in rows(NEIGHBORS))


def test_the_file_of_correct_words_is_that_of_the_vocabulary() -> None:
    pytest.importorskip("spellchecker", reason="words of English")
    pytest.importorskip("simple_icd_10_cm", reason="words of medicine")
    is_current = (FOLDER / NEIGHBORS).read_text(encoding="utf-8") == neighbors_file()
    assert is_current, "run: python -m medsearch_core.reports.lexicon.spelling"
