"""Recommendations in words of the data file alone; the sentences are written for these tests."""

from __future__ import annotations

import re

import pytest

from medsearch_core.reports.data_files import rows
from medsearch_core.reports.extracts.recommendations import SIGNS, recommendations_of
from medsearch_core.reports.text.phrases import spellings
from medsearch_core.reports.text.sections import split_sections
from tests.support.steps import count_steps

KINDS = {"modality", "ask", "passive", "past", "denial", "context", "link", "done", "interval", "body", "leading", "purpose"}


def recommendations(text: str) -> list[str]:
    return recommendations_of(text, split_sections(text))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Recommend chest CT for further evaluation.", ["CT"]),
        ("CT is recommended in 3 months.", ["CT in 3 months"]),
        ("A 3-month follow-up CT is recommended.", ["CT in 3 months"]),
        ("Follow-up radiograph in 6 weeks to document resolution.", ["radiograph in 6 weeks"]),
        ("Repeat radiographs after diuresis are suggested.", ["radiograph after diuresis"]),
        ("Follow-up chest radiograph following treatment is advised.", ["chest radiograph after treatment"]),
        ("Consider CT if clinically indicated.", ["CT"]),
        ("If there is concern for fracture, consider a dedicated rib series.", ["radiograph"]),
        ("Biopsy recommended.", ["biopsy"]),
        ("FNA recommended.", ["fine-needle aspiration"]),
        ("Follow-up per Fleischner Society guidelines.", ["follow-up imaging per Fleischner guidelines"]),
        ("Recommend follow-up with chest CT in six to twelve months.", ["CT in 6-12 months"]),
        ("CT follow-up in 4 to 6 wks is suggested.", ["CT in 4-6 weeks"]),
        ("Recommend CT or PET/CT in 1 year.", ["CT in 1 year", "PET/CT in 1 year"]),
        ("Bronchoscopy or biopsy should be considered.", ["bronchoscopy", "biopsy"]),
        ("A CT of the chest, abdomen and pelvis is recommended.", ["CT"]),
        ("Could be further evaluated with MRI, as suggested previously.", ["MRI"]),
        ("A lateral view would be helpful.", ["lateral radiograph"]),
        ("Diagnostic mammogram and ultrasound are recommended.", ["mammogram", "ultrasound"]),
        ("Short-interval follow-up is recommended.", ["follow-up imaging in a short interval"]),
        ("Attention on follow-up imaging is recommended.", ["follow-up imaging"]),
        ("Follow-up to resolution is recommended.", ["follow-up imaging until resolution"]),
        ("Recommended: echocardiogram.", ["echocardiogram"]),
        ("RECOMMENDATION: CT chest in 6 months.", ["CT in 6 months"]),
        ("Recommend CT. CT in 3 months is recommended.", ["CT in 3 months"]),
    ],
)
def test_a_recommendation_names_the_examination_and_its_time(text: str, told: list[str]) -> None:
    assert recommendations(text) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Nodule seen on prior CT, recommend follow-up radiograph in 6 weeks.", ["radiograph in 6 weeks"]),
        ("Given the nodule on the prior radiograph, chest CT is recommended.", ["CT"]),
        ("Nodule was seen on CT 3 months ago, ultrasound is advised.", ["ultrasound"]),
        ("Stable for 2 years, CT in 1 year is recommended.", ["CT in 1 year"]),
    ],
)
def test_an_examination_that_shows_something_is_not_the_one_recommended(text: str, told: list[str]) -> None:
    assert recommendations(text) == told


@pytest.mark.parametrize(
    "text",
    [
        "Opacity as recommended on the prior CT.",
        "No follow-up is recommended.",
        "No further imaging is necessary.",
        "Stable for 2 years, no follow-up CT needed.",
        "CT is not indicated.",
        "CT performed in 3 months.",
        "PA and lateral views of the chest were obtained.",
        "CT was previously recommended.",
        "Correlation with prior CT is recommended.",
        "Comparison with older radiographs and clinical correlation is recommended.",
        "Clinical correlation is recommended.",
        "Atelectasis suggested on lateral view.",
        "Findings on the radiograph may be due to edema.",
        "No opacity to suggest pneumonia.",
        "INDICATION: Follow-up CT in 3 months was recommended.",
        "COMPARISON: CT recommended.",
        "Retraction of the tube is recommended.",
    ],
)
def test_what_is_denied_done_or_of_the_past_is_no_recommendation(text: str) -> None:
    assert recommendations(text) == []


def test_nothing_but_the_data_file_and_a_time_gets_into_a_recommendation() -> None:
    told = recommendations("Recommend that Jane Roe (MRN 123456) has a CT with Dr. Doe at 5551234 in 3 months, call Jane.")
    assert told == ["CT in 3 months"]
    names = {row["name"] for row in rows("recommendations.csv") if row["name"]}
    assert all(re.fullmatch(r"[A-Za-z/ 0-9-]+", name) for name in names)


def test_every_row_is_of_a_known_kind_and_names_what_it_has_to() -> None:
    for row in rows("recommendations.csv"):
        assert row["kind"] in KINDS, row
        assert bool(row["name"]) == (row["kind"] in ("modality", "interval")), row


def test_every_way_to_recommend_passes_the_first_look() -> None:
    for row in rows("recommendations.csv"):
        if row["kind"] in ("ask", "passive"):
            for words in spellings(row["phrase"]):
                assert any(sign in word for word in words for sign in SIGNS), (row, words)


@pytest.mark.parametrize(
    "unit",
    [
        "recommend CT ",
        "CT and ",
        "CT, ",
        "no follow-up CT recommended ",
        "follow-up in 3 months or ",
        "is recommended ",
        "prior ",
    ],
)
def test_the_steps_grow_as_the_text_does(unit: str) -> None:
    def read(length: int) -> None:
        recommendations(unit * (length // len(unit)))

    assert count_steps(read, 6_000) < 2.5 * count_steps(read, 3_000)
