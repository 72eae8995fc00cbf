"""The data files hold what the code expects of them, and the codes are the official ones."""

from __future__ import annotations

import pytest

from medsearch_core.reports import data
from medsearch_core.reports.assertion import PRIORITY
from medsearch_core.reports.phrases import fold, spellings
from medsearch_core.reports.vocabulary import vocabulary

CATEGORIES = ("diagnosis", "sign", "symptom")
TOO_COMMON = {
    "a",
    "an",
    "the",
    "of",
    "for",
    "to",
    "in",
    "on",
    "be",
    "is",
    "are",
    "normal",
    "chest",
    "lung",
    "heart",
    "vascular",
}


@pytest.fixture(scope="module")
def icd() -> object:
    return pytest.importorskip("simple_icd_10_cm", reason="official ICD-10-CM descriptions")


def test_every_code_is_billable_and_described_as_officially(icd: object) -> None:
    for row in data.rows("codes.csv"):
        code = row["code"]
        assert icd.is_valid_item(code), code  # type: ignore[attr-defined]
        assert icd.is_leaf(code), code  # type: ignore[attr-defined]
        assert icd.get_description(code) == row["description"], code  # type: ignore[attr-defined]


def test_a_finding_is_never_linked_to_the_eye(icd: object) -> None:
    assert [row["code"] for row in data.rows("codes.csv") if row["code"].startswith("H")] == []


def test_concepts_are_named_once_and_have_a_category() -> None:
    named = [row for row in data.rows("vocabulary.csv") if row["concept"]]
    assert len(named) == len({row["concept"] for row in named})
    assert len(named) >= 60
    assert {row["category"] for row in named} == set(CATEGORIES)


def test_codes_and_normal_statements_speak_of_known_concepts() -> None:
    known = set(vocabulary().concepts)
    assert {row["concept"] for row in data.rows("codes.csv")} <= known
    assert {name for row in data.rows("normals.csv") for name in row["absent"].split("|")} <= known


def test_the_unqualified_code_of_a_concept_comes_last_and_scores_are_probabilities() -> None:
    for concept, links in vocabulary().links.items():
        assert [bool(link.qualifier) for link in links] == [True] * (len(links) - 1) + [False], concept
        assert all(0.4 < link.score <= 1 for link in links), concept


def test_no_phrase_means_two_concepts() -> None:
    meaning: dict[tuple[str, ...], str] = {}
    for row in data.rows("vocabulary.csv"):
        for phrase in row["phrases"].split("|"):
            for words in spellings(phrase):
                key = tuple(map(fold, words))
                assert meaning.setdefault(key, row["concept"]) == row["concept"], key


def test_no_phrase_is_a_word_of_everyday_prose() -> None:
    phrases = [p for row in data.rows("vocabulary.csv") for p in row["phrases"].split("|")]
    phrases += [row["phrase"] for row in data.rows("normals.csv")]
    phrases += [row["phrase"] for row in data.rows("context.csv") if row["kind"] != "terminator"]
    spelled = {tuple(words) for phrase in phrases for words in spellings(phrase)}
    assert {words for words in spelled if not words or (len(words) == 1 and words[0] in TOO_COMMON)} == set()


def test_no_cue_is_spelled_in_two_rows_that_disagree() -> None:
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for row in data.rows("context.csv"):
        for words in spellings(row["phrase"]):
            first = rows.setdefault(tuple(map(fold, words)), row)
            assert {**first, "phrase": ""} == {**row, "phrase": ""}, words


def test_context_rows_are_complete() -> None:
    for row in data.rows("context.csv"):
        assert row["kind"] in ("cue", "pseudo", "terminator"), row
        if row["kind"] == "cue":
            assert row["assertion"] in PRIORITY, row
            assert row["direction"] in ("forward", "backward", "both"), row


def test_the_version_changes_with_any_edit_of_a_data_file(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    before = data.ner_version()
    monkeypatch.setattr(data, "_path", lambda name: _Edited(name))
    assert data.ner_version.__wrapped__() != before
    assert before == data.ner_version()


class _Edited:
    def __init__(self, name: str) -> None:
        self.name = name

    def read_bytes(self) -> bytes:
        return b"edited" if self.name == "vocabulary.csv" else b""
