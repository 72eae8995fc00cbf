"""What a file of sentences may expect, and when a sentence counts as read right."""

from __future__ import annotations

import pytest

from medsearch_core.errors import ConfigurationError
from medsearch_core.reports.evaluation.sentences import describe_misreading, read_sentences


def judge(text: str, **expected: str) -> str | None:
    (sentence,) = read_sentences([{"phenomenon": "plain", "text": text, **expected}])
    return describe_misreading(sentence)


@pytest.mark.parametrize(
    ("text", "expected", "fault"),
    [
        ("Small [effusion].", {"mention": "pleural effusion", "assertion": "present"}, None),
        ("[Small left pleural effusion seen].", {"mention": "pleural effusion", "assertion": "present"}, None),
        ("No [effusion].", {"mention": "pleural effusion", "assertion": "present"}, "absent by 'No', not present"),
        (
            "Small [effusion].",
            {"mention": "pneumothorax", "assertion": "present"},
            "not read there; pleural effusion at 'effusion'",
        ),
        ("[Clear view].", {"mention": "pneumothorax", "assertion": "present"}, "not read there; nothing is"),
        ("Small [effusion].", {"mention": ""}, "read as pleural effusion, present"),
        ("Small effusion, [as expected].", {"mention": ""}, None),
    ],
)
def test_a_mention_is_found_where_it_overlaps_the_brackets(text: str, expected: dict[str, str], fault: str | None) -> None:
    assert judge(text, **expected) == fault


@pytest.mark.parametrize(
    ("accepted", "is_right"),
    [("uncertain", True), ("absent|uncertain", True), ("absent|historical", False), ("!absent", True), ("!uncertain", False)],
)
def test_accepted_assertions_stand_in_place_of_the_expected_one(accepted: str, is_right: bool) -> None:
    fault = judge("Possible [pneumonia].", mention="pneumonia", assertion="present", accepted=accepted)
    assert (fault is None) == is_right


@pytest.mark.parametrize(
    ("code", "said", "fault"),
    [
        ("J90", "laterality=left;severity=moderate", None),
        ("-", "", "linked to J90, not -"),
        ("", "laterality=right", "laterality is 'left', not 'right'"),
        ("", "change=new", "change is None, not 'new'"),
        ("", "change=", None),
    ],
)
def test_the_code_and_other_columns_are_compared(code: str, said: str, fault: str | None) -> None:
    text = "Moderate left [pleural effusion]."
    assert judge(text, mention="pleural effusion", assertion="present", code=code, said=said) == fault


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        ("pleural effusion=present;pneumothorax=absent", None),
        ("pneumonia=!present", None),
        ("pleural effusion=!present", "pleural effusion is present in the report, not !present"),
        ("pneumothorax=absent;pneumonia=absent", "pneumonia is not asserted in the report, not absent"),
    ],
)
def test_a_text_without_brackets_is_judged_by_what_the_report_says(status: str, fault: str | None) -> None:
    assert judge("FINDINGS: No pneumothorax.\\nIMPRESSION: Small effusion.", status=status) == fault


def test_a_mention_that_is_right_is_wrong_where_the_report_says_otherwise() -> None:
    text = "FINDINGS: Small [effusion].\\nADDENDUM: No effusion."
    assert judge(text, mention="pleural effusion", assertion="present", status="pleural effusion=absent") is None
    assert judge(text, mention="pleural effusion", assertion="present", status="pleural effusion=present") is not None


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "An effusion.", "mention": "pleural effusion", "assertion": "present"}, "square brackets"),
        ({"text": "An effusion."}, "or give a status alone"),
        ({"text": "An [effusion].", "mention": "pleural effusion"}, "the assertion is missing"),
        ({"text": "An [effusion].", "mention": "pleural effusion", "assertion": "there"}, "the assertion there"),
        ({"text": "An [x].", "mention": "x", "assertion": "present", "said": "side=left"}, "side is no column"),
        ({"text": "An effusion.", "status": "pleural effusion"}, "the status pleural effusion"),
        ({"text": "An effusion.", "status": "pleural effusion=there"}, "the status pleural effusion=there"),
    ],
)
def test_a_row_that_expects_what_nothing_can_say_is_refused(row: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read_sentences([{"phenomenon": "plain", **row}])
