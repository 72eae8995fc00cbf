"""How questions are read, kind by kind (`questions.csv`), and that whatever is typed can be read."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsearch_core.questions.question import leaves_of
from medsearch_core.questions.read import MAX_CHARACTERS, read_question
from tests.core.questions.written import dictionary, written

with Path(__file__).with_name("questions.csv").open(newline="", encoding="utf-8") as file:
    QUESTIONS = list(csv.DictReader(file))

PIECES = [
    "effusion",
    "no",
    "OR",
    "AND",
    "NOT",
    "(",
    ")",
    '"',
    "-",
    "*",
    ":",
    "modality:",
    "age:",
    "> 6 mm",
    ",",
    "left",
    "胸水",
    "?",
]


@pytest.mark.parametrize(("words", "read"), [(row["words"], row["read"]) for row in QUESTIONS], ids=lambda text: text)
def test_a_question_is_read(words: str, read: str) -> None:
    assert written(words) == read


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join)))
def test_nothing_that_is_typed_is_an_error_and_parts_stand_in_the_words(words: str) -> None:
    question = read_question(words, dictionary())
    assert question.words == words
    for leaf, _ in leaves_of(question.asked):
        assert 0 <= leaf.begin <= leaf.end <= len(words)


def test_parts_say_which_words_they_were_read_from() -> None:
    words = "large effusion, brain"
    question = read_question(words, dictionary())
    assert [words[leaf.begin : leaf.end] for leaf, _ in question.leaves()] == ["effusion", "brain"]


def test_a_correction_is_told_with_the_word_as_it_was_typed() -> None:
    question = read_question("left plueral efusion", dictionary())
    assert [(c.word, c.read_as) for c in question.corrections] == [("plueral", "pleural"), ("efusion", "effusion")]


def test_words_in_quotes_are_not_corrected() -> None:
    assert not read_question('"unclosed words"', dictionary()).corrections


@pytest.mark.parametrize("words", ["effusion " * 1000, "(" * 5000, "-" * 5000, '"' * 5001, "qwertzuiop" * 500, "a OR " * 2000])
def test_long_questions_are_read(words: str) -> None:
    question = read_question(words, dictionary())
    assert all(leaf.end <= MAX_CHARACTERS for leaf, _ in question.leaves())
