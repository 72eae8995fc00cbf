"""Which group a report belongs to, by what it says of what is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsearch_core.questions.groups import Groups, groups_of, rungs_of
from medsearch_core.questions.question import FindingAsked
from medsearch_core.questions.read import read_question
from medsearch_core.questions.tokens import NORMAL
from tests.core.questions.in_memory import ReportSets
from tests.core.questions.written import dictionary

SENTENCES = (
    "Small left pleural effusion.",
    "No pneumothorax.",
    "Possible pneumonia.",
    "The heart is enlarged.",
    "Heart size is normal.",
    "Right upper lobe consolidation.",
    "Pneumothorax has resolved.",
)
QUESTIONS = (
    "effusion",
    "left effusion",
    "pneumothorax",
    "effusion OR pneumonia",
    "effusion cardiomegaly",
    "effusion without pneumothorax",
    "no pneumothorax",
    "normal chest",
    "normal heart",
    "lung opacity NOT pneumonia",
    "size",
)


def group(question: str, report: str) -> str | None:
    asked = read_question(question, dictionary()).asked
    assert asked is not None
    groups = groups_of(asked, ReportSets({"r": f"FINDINGS: {report}"}))
    return next((name for name, ids in groups._asdict().items() if ids), None)


@pytest.mark.parametrize(
    ("question", "report", "expected"),
    [
        ("pneumothorax", "Small left pneumothorax.", "said"),
        ("pneumothorax", "Probable small pneumothorax.", "said"),
        ("pneumothorax", "Possible pneumothorax.", "unsure"),
        ("pneumothorax", "No pneumothorax.", "denied"),
        ("pneumothorax", "Clear.\n\nINDICATION: Evaluate for pneumothorax.", "otherwise"),
        ("pneumothorax", "Heart size is normal.", None),
        ("lung opacity", "There is consolidation.", "said"),
        ("consolidation", "There is a lung opacity.", None),
        ("nodule", "Calcified granuloma.", "otherwise"),
        ("left effusion", "Left pleural effusion.", "said"),
        ("left effusion", "Bilateral pleural effusions.", "said"),
        ("left effusion", "Pleural effusion.", "unsure"),
        ("left effusion", "Right pleural effusion.", "otherwise"),
        ("left effusion", "No left pleural effusion.", "denied"),
        ("new left effusion", "New right effusion. Unchanged left effusion.", "otherwise"),
        ("new left effusion", "New left effusion. Unchanged right effusion.", "said"),
        ("small effusion", "Small pleural effusion.", "said"),
        ("small effusion", "Large pleural effusion.", "otherwise"),
        ("left lower lobe atelectasis", "Left basilar atelectasis.", "said"),
        ("nodule > 6 mm", "A 9 mm pulmonary nodule.", "said"),
        ("nodule > 6 mm", "A 4 mm pulmonary nodule.", "otherwise"),
        ("nodule < 5 mm", "A 4 mm pulmonary nodule.", "said"),
        ("effusion without pneumothorax", "Pleural effusion.", "said"),
        ("effusion without pneumothorax", "Pleural effusion. No pneumothorax.", "said"),
        ("effusion without pneumothorax", "Pleural effusion. Possible pneumothorax.", "unsure"),
        ("effusion without pneumothorax", "Pleural effusion and pneumothorax.", None),
        ("no pneumothorax", "No pneumothorax.", "said"),
        ("no pneumothorax", "Small pneumothorax.", "denied"),
        ("no effusion", "No right effusion. Small left effusion.", "denied"),
        ("no right effusion", "No right effusion. Small left effusion.", "said"),
        ("effusion zebra", "Pleural effusion.", "said"),
        ("zebra", "Pleural effusion.", None),
        ("effusion AND cardiomegaly", "Pleural effusion. The heart is enlarged.", "said"),
        ("effusion AND cardiomegaly", "The heart is enlarged.", "otherwise"),
        ("effusion AND cardiomegaly", "Possible pleural effusion. The heart is enlarged.", "unsure"),
        ("effusion AND cardiomegaly", "No pleural effusion. Heart size is normal.", "denied"),
        ("effusion AND cardiomegaly", "No pleural effusion.", "denied"),
        ("effusion OR cardiomegaly", "No pleural effusion. The heart is enlarged.", "said"),
        ("effusion OR cardiomegaly", "No pleural effusion.", "denied"),
        ("NOT effusion", "Heart size is normal.", "said"),
        ("NOT effusion", "Pleural effusion.", None),
        ("normal chest", "Heart size is normal. The lungs are clear.", "said"),
        ("normal chest", "Heart size is normal. Pleural effusion.", None),
        ("normal heart", "Heart size is normal. Pleural effusion.", "said"),
        ("normal heart", "The heart is enlarged.", None),
        ("lungs clear", "The lungs are clear. There is pneumonia.", None),
        ("rib fracture", "Old healed right rib fracture.", "said"),
        ("history of pneumonia", "History of pneumonia.", "said"),
        ("rule out pneumonia", "Clear lungs.\n\nINDICATION: Rule out pneumonia.", "said"),
        ("resolved effusion", "The pleural effusion has resolved.", "said"),
        ("perfusion", "Perfusion is normal.", "said"),
        ('"old film"', "Compared with the old film.", "said"),
        ('"old film"', "The film is old.", None),
        ("zebra*", "Zebras.", "said"),
        ("impression:pneumonia", "Clear.\n\nIMPRESSION: Pneumonia.", "said"),
        ("impression:pneumonia", "Pneumonia.\n\nIMPRESSION: See above.", None),
    ],
)
def test_a_report_is_in_the_group_of_what_it_says(question: str, report: str, expected: str | None) -> None:
    assert group(question, report) == expected


@given(st.lists(st.lists(st.sampled_from(SENTENCES), max_size=4), max_size=5), st.sampled_from(QUESTIONS))
def test_no_report_is_in_two_groups(reports: list[list[str]], question: str) -> None:
    asked = read_question(question, dictionary()).asked
    assert asked is not None
    sets = ReportSets({f"r{n}": "FINDINGS: " + " ".join(["Portable film.", *sentences]) for n, sentences in enumerate(reports)})
    groups = groups_of(asked, sets)
    assert sum(map(len, groups)) == len(frozenset().union(*groups))


def test_rungs_go_from_the_best_fit_to_the_least_in_each_group() -> None:
    asked = read_question("left lung opacity", dictionary()).asked
    assert isinstance(asked, FindingAsked)
    rungs = [(Groups._fields.index(rung.group), -rung.fit) for rung in rungs_of(asked)]
    assert rungs == sorted(rungs)


def test_a_report_without_a_finding_has_the_token_of_normality() -> None:
    sets = ReportSets({"normal": "FINDINGS: Clear lungs. Pacemaker in place.", "not": "FINDINGS: Possible pneumonia."})
    assert sets.having([NORMAL]) == {"normal"}
