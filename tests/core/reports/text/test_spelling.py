"""Misspelt words of the vocabulary are read as what they stand for; no correct word is."""

from __future__ import annotations

import pytest

from medsearch_core.reports.text.spelling import SpellingIndex, is_name
from medsearch_core.reports.text.words import words_of

WORDS = {
    "effusion": 9,
    "pneumothorax": 9,
    "atelectasis": 9,
    "atelectase": 1,
    "emphysema": 5,
    "symptomatic": 1,
    "esophageal": 2,
    "parenchymal": 2,
    "infarction": 3,
    "extubated": 2,
    "consolidation": 4,
    "nodule": 5,
}
INDEX = SpellingIndex(WORDS, known={"infraction"})


def corrections(text: str) -> list[str]:
    sentence = words_of(text, 0, len(text))
    assert sentence
    found = INDEX.corrections(sentence.words, lambda i: is_name(text, sentence.begins[i], sentence.ends[i]))
    return [f"{sentence.words[i]}: {word}" for i, word in found.items()]


@pytest.mark.parametrize(
    ("misspelt", "word"),
    [
        ("effussion", "effusion"),
        ("efusion", "effusion"),
        ("effusoin", "effusion"),
        ("effusiom", "effusion"),
        ("pnuemothorax", "pneumothorax"),
        ("neumothorax", "pneumothorax"),
        ("emphesema", "emphysema"),
        ("atelectasi", "atelectasis"),
        ("consolidatio", "consolidation"),
        ("oesophageal", "esophageal"),
    ],
)
def test_a_word_one_edit_away_is_corrected(misspelt: str, word: str) -> None:
    assert INDEX.corrections(["small", misspelt]) == {1: word}


@pytest.mark.parametrize(
    "word",
    [
        "effusion",  # right
        "infraction",  # another word
        "asymptomatic",  # its opposite
        "parenchyma",  # another form
        "extubate",  # what was not done
        "nodul",  # too short
        "emfisema",  # two edits
        "",
    ],
)
def test_another_word_stays_as_it_is(word: str) -> None:
    assert INDEX.corrections([word]) == {}


def test_a_word_between_two_words_of_the_vocabulary_stays_as_it_is() -> None:
    index = SpellingIndex({"perihilar": 2, "parihilar": 2})
    assert index.corrections(["pirihilar"]) == {}
    assert index.neighbors("pirihilar") == ["parihilar", "perihilar"]


def test_the_much_more_frequent_word_is_chosen() -> None:
    assert SpellingIndex({"perihilar": 9, "parihilar": 2}).corrections(["pirihilar"]) == {0: "perihilar"}


def test_a_name_inside_a_sentence_stays_as_it_is() -> None:
    assert corrections("Discussed with Dr. Effusiom") == []
    assert corrections("Seen by Jane Effusiom at noon.") == []
    assert corrections("Effusiom is small.") == ["effusiom: effusion"]
    assert corrections("- Effusiom") == ["effusiom: effusion"]
    assert corrections("SMALL EFFUSIOM") == ["effusiom: effusion"]


def test_several_words_are_corrected_at_their_positions() -> None:
    assert INDEX.corrections(["no", "efusion", "or", "pnuemothorax"]) == {1: "effusion", 3: "pneumothorax"}


def test_a_word_of_a_megabyte_costs_nothing() -> None:
    assert INDEX.corrections(["effusion" * 125_000]) == {}


def test_an_empty_vocabulary_corrects_nothing() -> None:
    assert SpellingIndex({}).corrections(["effusion"]) == {}
