"""The data files hold what the code expects of them, and the codes are the official ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from medsearch_core.reports import data_files
from medsearch_core.reports.context.assertion import PRIORITY
from medsearch_core.reports.context.cues import CERTAINTIES, CONTRAST
from medsearch_core.reports.evaluation.scores import concepts_of_findings
from medsearch_core.reports.lexicon.chapters import is_plausible
from medsearch_core.reports.lexicon.vocabulary import vocabulary
from medsearch_core.reports.text.phrases import spellings
from medsearch_core.reports.text.words import WORD, fold

CATEGORIES = ("diagnosis", "sign", "symptom", "device")
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
    for row in data_files.rows("codes.csv"):
        code = row["code"]
        assert icd.is_valid_item(code), code  # type: ignore[attr-defined]
        assert icd.is_leaf(code), code  # type: ignore[attr-defined]
        assert icd.get_description(code) == row["description"], code  # type: ignore[attr-defined]


def test_every_term_of_icd10cm_is_a_description_or_an_inclusion_term_of_its_billable_code(icd: object) -> None:
    for row in data_files.rows("vocabulary_icd10cm.csv"):
        assert icd.is_leaf(row["code"]), row  # type: ignore[attr-defined]
        assert icd.get_description(row["code"]) == row["description"]  # type: ignore[attr-defined]
        official = [row["description"], *icd.get_inclusion_term(row["code"])]  # type: ignore[attr-defined]
        spelled = {" ".join(w.lower() for w in WORD.findall(term) if w != "NOS") for term in official}
        assert set(row["phrases"].split("|")) <= spelled, row


def test_a_finding_is_never_linked_to_the_eye(icd: object) -> None:
    assert [row["code"] for row in data_files.rows("codes.csv") if "H00" <= row["code"][:3] <= "H59"] == []


def test_no_code_is_of_a_chapter_that_its_concept_does_not_name() -> None:
    assert [row["code"] for row in data_files.rows("codes.csv") if not is_plausible(row["code"], row["concept"])] == []


@pytest.mark.parametrize(
    ("code", "sentence", "is_meant"),
    [
        ("H17.9", "Patchy opacity in the lung.", False),
        ("H17.9", "Corneal opacity.", True),
        ("P22.0", "Respiratory distress.", False),
        ("P22.0", "Premature infant in respiratory distress.", True),
        ("O9A.2", "Chest pain.", False),
        ("J90", "Effusion.", True),
    ],
)
def test_a_code_of_a_chapter_far_from_the_chest_needs_its_words(code: str, sentence: str, is_meant: bool) -> None:
    assert is_plausible(code, sentence) is is_meant


def test_qualifiers_say_something_and_in_known_words() -> None:
    for row in data_files.rows("qualifiers.csv"):
        is_name = len(row["phrase"].split()) > 1
        assert is_name or any(row[name] for name in ("severity", "change", "laterality", "anatomy")), row
        assert row["change"] in ("", "new", "unchanged", "worse", "better", "resolved"), row
        assert row["laterality"] in ("", "left", "right", "bilateral"), row


def test_senses_and_findings_speak_of_known_concepts() -> None:
    known = set(vocabulary().concepts)
    senses = data_files.rows("senses.csv")
    assert {row[name] for row in senses for name in ("concept", "means")} <= known
    assert {name for names in concepts_of_findings().values() for name in names} <= known
    for concept in {row["concept"] for row in senses}:
        words = [row["words"] for row in senses if row["concept"] == concept]
        assert [bool(w) for w in words] == [True] * (len(words) - 1) + [False], concept


def test_concepts_are_named_once_and_have_a_category() -> None:
    named = [row for row in data_files.rows("vocabulary.csv") if row["concept"]]
    assert len(named) == len({row["concept"] for row in named})
    assert len(named) >= 60
    assert {row["category"] for row in named} == set(CATEGORIES)


def test_codes_and_normal_statements_speak_of_known_concepts() -> None:
    known = set(vocabulary().concepts)
    assert {row["concept"] for row in data_files.rows("codes.csv")} <= known
    assert {name for row in data_files.rows("normals.csv") for name in row["absent"].split("|")} <= known


def test_an_unqualified_code_of_a_concept_comes_last_and_scores_are_probabilities() -> None:
    for concept, links in vocabulary().links.items():
        assert all(link.qualifier for link in links[:-1]), concept
        assert all(0.4 < link.score <= 1 for link in links), concept


def test_no_phrase_means_two_concepts() -> None:
    meaning: dict[tuple[str, ...], str] = {}
    named = [*data_files.rows("vocabulary.csv"), *data_files.rows("vocabulary_icd10cm.csv")]
    phrases = [(row["concept"], row["phrases"]) for row in named]
    phrases += [(f"any {row['term']}", row["phrases"]) for row in data_files.rows("generics.csv")]
    for concept, spelled in phrases:
        for phrase in spelled.split("|"):
            for words in spellings(phrase):
                key = tuple(map(fold, words))
                assert meaning.setdefault(key, concept) == concept, key


def test_no_phrase_is_a_word_of_everyday_prose() -> None:
    named = [*data_files.rows("vocabulary.csv"), *data_files.rows("vocabulary_icd10cm.csv")]
    phrases = [p for row in [*named, *data_files.rows("generics.csv")] for p in row["phrases"].split("|")]
    phrases += [row["phrase"] for row in data_files.rows("normals.csv")]
    phrases += [row["phrase"] for row in data_files.rows("context.csv") if row["kind"] != "terminator"]
    spelled = {tuple(words) for phrase in phrases for words in spellings(phrase)}
    assert {words for words in spelled if not words or (len(words) == 1 and words[0] in TOO_COMMON)} == set()


def test_no_cue_is_spelled_in_two_rows_that_disagree() -> None:
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for row in data_files.rows("context.csv"):
        for words in spellings(row["phrase"]):
            first = rows.setdefault(tuple(map(fold, words)), row)
            assert {**first, "phrase": ""} == {**row, "phrase": ""}, words


def test_context_rows_are_complete() -> None:
    for row in data_files.rows("context.csv"):
        assert row["kind"] in ("cue", CONTRAST, "pseudo", "terminator"), row
        assert (row["certainty"] in CERTAINTIES) == (row["assertion"] == "uncertain" and row["kind"] != "terminator"), row
        if row["kind"] == "cue":
            assert row["assertion"] in PRIORITY, row
            assert row["direction"] in ("forward", "backward", "both", "inside"), row


def test_the_version_changes_with_any_edit_of_a_data_file(tmp_path: Path) -> None:
    shutil.copytree(data_files.FOLDER, tmp_path, dirs_exist_ok=True)
    assert data_files.version_of(tmp_path) == data_files.ner_version()
    with (tmp_path / "codes.csv").open("a", encoding="utf-8") as file:
        file.write("#\n")
    assert data_files.version_of(tmp_path) != data_files.ner_version()
