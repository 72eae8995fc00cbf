"""The corpus of marked mentions, each one right, and what sections make of assertions."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from medsearch_core.errors import ConfigurationError
from medsearch_core.records import EntityRecord, ReportRecord
from medsearch_core.reports.evaluation.corpus import AnnotatedMention, describe_mismatch, read_annotated_mentions

CORPUS = [
    row
    for path in sorted(Path(__file__).parents[1].glob("corpus*.csv"))
    for row in read_annotated_mentions(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
]


def test_the_corpus_has_at_least_six_hundred_mentions_of_thirty_phenomena() -> None:
    assert len({(row.annotated_text, row.mention) for row in CORPUS}) == len(CORPUS) >= 600
    assert len({row.phenomenon for row in CORPUS}) >= 30


@pytest.mark.parametrize("row", CORPUS, ids=lambda row: f"{row.phenomenon}: {row.annotated_text}")
def test_a_marked_mention_is_read_as_it_says(row: AnnotatedMention) -> None:
    assert describe_mismatch(row) is None


@pytest.mark.parametrize(
    ("mention", "assertion", "code", "said", "fault"),
    [
        ("pneumonia", "absent", "", "", "not read there; pleural effusion at 'effusion'"),
        ("pleural effusion", "present", "", "", "absent by 'No', not present"),
        ("pleural effusion", "absent", "J93.9", "", "linked to J90, not J93.9"),
        ("pleural effusion", "absent", "J90", "laterality=right", "laterality is 'left', not 'right'"),
        ("", "", "", "", "read as pleural effusion, absent"),
    ],
)
def test_a_mention_read_otherwise_is_said_to_be(mention: str, assertion: str, code: str, said: str, fault: str) -> None:
    assert describe_mismatch(AnnotatedMention("-", "No left [effusion].", mention, assertion, code, said)) == fault


def test_a_corpus_row_without_brackets_is_refused() -> None:
    row = {"phenomenon": "-", "text": "No effusion.", "mention": "", "assertion": "", "code": "", "said": ""}
    with pytest.raises(ConfigurationError, match="no mention in brackets: No effusion"):
        read_annotated_mentions([row])


def mentions(read, text: str) -> list[tuple[str, str, str]]:
    result: tuple[ReportRecord, list[EntityRecord]] = read(text)
    return [(entity.concept, entity.section, entity.assertion) for entity in result[1]]


def test_an_indication_holds_symptoms_but_no_findings(read) -> None:
    text = "INDICATION: Cough without fever, history of COPD, mother with tuberculosis. Pneumonia?"
    assert mentions(read, text) == [
        ("cough", "indication", "present"),
        ("fever", "indication", "absent"),
        ("COPD", "indication", "historical"),
        ("tuberculosis", "indication", "family"),
        ("pneumonia", "indication", "hypothetical"),
    ]


def test_a_comparison_is_historical_and_technique_and_recommendation_are_hypothetical(read) -> None:
    text = "COMPARISON: Study with effusion.\nTECHNIQUE: For pneumothorax.\nRECOMMENDATION: CT for the nodule."
    assert mentions(read, text) == [
        ("pleural effusion", "comparison", "historical"),
        ("pneumothorax", "technique", "hypothetical"),
        ("pulmonary nodule", "recommendation", "hypothetical"),
    ]


def test_the_cue_that_decided_is_kept(read) -> None:
    _, entities = read("FINDINGS: There is no evidence of edema. Pneumonia cannot be excluded. Lungs are clear. Effusion.")
    assert {(e.text, e.cue) for e in entities} == {
        ("edema", "no evidence of"),
        ("Pneumonia", "cannot be excluded"),
        ("Lungs are clear", "Lungs are clear"),
        ("Effusion", None),
    }


def test_not_clear_is_not_a_statement_of_normality(read) -> None:
    assert mentions(read, "The lungs are not clear.") == []


def test_phrases_that_name_no_finding_are_passed_over(read) -> None:
    assert mentions(read, "Body mass index 31. Nipple shadow. ICD code. ECG leads. Axillary dissection.") == []
