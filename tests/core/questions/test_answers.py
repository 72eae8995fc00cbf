"""Which group a report belongs to, by what it says of what is asked for."""

from __future__ import annotations

import pytest

from medsearch_core.questions.answers import Group, ReportSaid
from medsearch_core.questions.read import read_question
from medsearch_core.reports.read import read_report
from medsearch_core.reports.text.sections import split_sections
from medsearch_core.reports.text.words import WORD, fold
from tests.core.questions.written import dictionary

SAID, UNSURE, OTHERWISE, DENIED = Group


def said(text: str) -> ReportSaid:
    report, entities = read_report(text.encode(), report_id="r", patient="p", study="s", key="k")
    return ReportSaid(entities, split_sections(report.text), [fold(match.group()) for match in WORD.finditer(report.text)])


def group(question: str, report: str) -> Group | None:
    asked = read_question(question, dictionary()).asked
    assert asked is not None
    fit = said(f"FINDINGS: {report}").fit(asked)
    return None if fit is None else fit.group


@pytest.mark.parametrize(
    ("question", "report", "expected"),
    [
        ("pneumothorax", "Small left pneumothorax.", SAID),
        ("pneumothorax", "Probable small pneumothorax.", SAID),
        ("pneumothorax", "Possible pneumothorax.", UNSURE),
        ("pneumothorax", "No pneumothorax.", DENIED),
        ("pneumothorax", "Clear.\n\nINDICATION: Evaluate for pneumothorax.", OTHERWISE),
        ("pneumothorax", "Heart size is normal.", None),
        ("lung opacity", "There is consolidation.", SAID),
        ("consolidation", "There is a lung opacity.", None),
        ("nodule", "Calcified granuloma.", OTHERWISE),
        ("left effusion", "Left pleural effusion.", SAID),
        ("left effusion", "Bilateral pleural effusions.", SAID),
        ("left effusion", "Pleural effusion.", UNSURE),
        ("left effusion", "Right pleural effusion.", OTHERWISE),
        ("left effusion", "No left pleural effusion.", DENIED),
        ("nodule > 6 mm", "A 9 mm pulmonary nodule.", SAID),
        ("nodule > 6 mm", "A 4 mm pulmonary nodule.", OTHERWISE),
        ("nodule > 6 mm", "A pulmonary nodule.", UNSURE),
        ("effusion without pneumothorax", "Pleural effusion.", SAID),
        ("effusion without pneumothorax", "Pleural effusion. No pneumothorax.", SAID),
        ("effusion without pneumothorax", "Pleural effusion. Possible pneumothorax.", UNSURE),
        ("effusion without pneumothorax", "Pleural effusion and pneumothorax.", None),
        ("no pneumothorax", "No pneumothorax.", SAID),
        ("no pneumothorax", "Small pneumothorax.", OTHERWISE),
        ("effusion AND cardiomegaly", "Pleural effusion. The heart is enlarged.", SAID),
        ("effusion AND cardiomegaly", "The heart is enlarged.", OTHERWISE),
        ("effusion AND cardiomegaly", "Possible pleural effusion. The heart is enlarged.", UNSURE),
        ("effusion AND cardiomegaly", "No pleural effusion. Heart size is normal.", DENIED),
        ("effusion OR cardiomegaly", "No pleural effusion. The heart is enlarged.", SAID),
        ("normal chest", "Heart size is normal. The lungs are clear.", SAID),
        ("normal chest", "Heart size is normal. Pleural effusion.", None),
        ("normal heart", "Heart size is normal. Pleural effusion.", SAID),
        ("normal heart", "The heart is enlarged.", None),
        ("rib fracture", "Old healed right rib fracture.", SAID),
        ("history of pneumonia", "History of pneumonia.", SAID),
        ("rule out pneumonia", "Clear lungs.\n\nINDICATION: Rule out pneumonia.", SAID),
        ("resolved effusion", "The pleural effusion has resolved.", SAID),
        ("perfusion", "Perfusion is normal.", SAID),
        ('"old film"', "Compared with the old film.", SAID),
        ('"old film"', "The film is old.", None),
        ("zebra*", "Zebras.", SAID),
        ("impression:pneumonia", "Clear.\n\nIMPRESSION: Pneumonia.", SAID),
        ("impression:pneumonia", "Pneumonia.\n\nIMPRESSION: See above.", None),
    ],
)
def test_a_report_is_in_the_group_of_what_it_says(question: str, report: str, expected: Group | None) -> None:
    assert group(question, report) == expected


@pytest.mark.parametrize(
    ("question", "better", "worse"),
    [
        ("left effusion", "Left pleural effusion.", "Bilateral pleural effusions."),
        ("lung opacity", "Left lung opacity.", "Left consolidation."),
        ("pneumonia", "Clear.\n\nIMPRESSION: Pneumonia.", "Pneumonia."),
        ("pneumonia", "Pneumonia.\nThe pneumonia is on the left.", "Pneumonia."),
        ("normal heart", "Heart size is normal.", "Heart size is normal. Pleural effusion."),
    ],
)
def test_within_a_group_what_fits_better_comes_first(question: str, better: str, worse: str) -> None:
    asked = read_question(question, dictionary()).asked
    assert asked is not None
    fits = [said(f"FINDINGS: {report}").fit(asked) for report in (better, worse)]
    assert fits[0] is not None
    assert fits[1] is not None
    assert fits[0].group == fits[1].group
    assert fits[0].score > fits[1].score
