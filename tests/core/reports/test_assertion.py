"""The corpus of single sentences: concept and assertion by phenomenon."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from medsearch_core.records import EntityRecord, ReportRecord

CORPUS = list(csv.DictReader(Path(__file__).with_name("corpus.csv").read_text(encoding="utf-8").splitlines()))


def test_the_corpus_has_at_least_eighty_sentences() -> None:
    assert len(CORPUS) >= 80


@pytest.mark.parametrize("row", CORPUS, ids=lambda row: f"{row['phenomenon']}: {row['sentence']} [{row['concept']}]")
def test_a_sentence_asserts_its_concept(row: dict[str, str], read) -> None:  # type: ignore[no-untyped-def]
    _, entities = read(f"FINDINGS: {row['sentence']}")
    assert {e.assertion for e in entities if e.concept == row["concept"]} == {row["assertion"]}


def mentions(read, text: str) -> list[tuple[str, str, str]]:  # type: ignore[no-untyped-def]
    result: tuple[ReportRecord, list[EntityRecord]] = read(text)
    return [(entity.concept, entity.section, entity.assertion) for entity in result[1]]


def test_an_indication_holds_symptoms_but_no_findings(read) -> None:  # type: ignore[no-untyped-def]
    text = "INDICATION: Cough without fever, history of COPD, mother with tuberculosis. Pneumonia?"
    assert mentions(read, text) == [
        ("cough", "indication", "present"),
        ("fever", "indication", "absent"),
        ("COPD", "indication", "historical"),
        ("tuberculosis", "indication", "family"),
        ("pneumonia", "indication", "hypothetical"),
    ]


def test_a_comparison_is_historical_and_technique_and_recommendation_are_hypothetical(read) -> None:  # type: ignore[no-untyped-def]
    text = "COMPARISON: Study with effusion.\nTECHNIQUE: For pneumothorax.\nRECOMMENDATION: CT for the nodule."
    assert mentions(read, text) == [
        ("pleural effusion", "comparison", "historical"),
        ("pneumothorax", "technique", "hypothetical"),
        ("pulmonary nodule", "recommendation", "hypothetical"),
    ]


def test_the_cue_that_decided_is_kept(read) -> None:  # type: ignore[no-untyped-def]
    _, entities = read("FINDINGS: There is no evidence of edema. Pneumonia cannot be excluded. Lungs are clear. Effusion.")
    assert {(e.text, e.cue) for e in entities} == {
        ("edema", "no evidence of"),
        ("Pneumonia", "cannot be excluded"),
        ("Lungs are clear", "Lungs are clear"),
        ("Effusion", None),
    }


def test_not_clear_is_not_a_statement_of_normality(read) -> None:  # type: ignore[no-untyped-def]
    assert mentions(read, "The lungs are not clear.") == []


def test_phrases_outside_the_chest_are_passed_over(read) -> None:  # type: ignore[no-untyped-def]
    assert mentions(read, "Body mass index 31. Knee effusion. Leg edema. Inguinal hernia.") == []
