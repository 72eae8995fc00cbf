"""Whether results were communicated; the sentences are written for these tests."""

from __future__ import annotations

import pytest

from medsearch_core.reports.data_files import rows
from medsearch_core.reports.extracts.communication import SIGNS, is_communicated
from medsearch_core.reports.text.phrases import fold, spellings
from medsearch_core.reports.text.sections import split_sections
from tests.support.steps import count_steps


def is_told(text: str) -> bool:
    return is_communicated(text, split_sections(text))


@pytest.mark.parametrize(
    "text",
    [
        "These findings were discussed with Dr. Doe by telephone at 3 pm.",
        "Findings were communicated to the surgical team.",
        "I discussed the findings with the nurse.",
        "Dr. Doe was paged to discuss these results.",
        "The nurse was notified of the pneumothorax.",
        "Results were called to the floor.",
        "Results d/w Dr. Doe.",
        "The ordering physician was informed of the results.",
        "Findings conveyed to the resident.",
        "Critical result notification documented.",
        "Dr. Doe acknowledged receipt of these results.",
        "NOTIFICATION: Dr. Doe at 3 pm.",
        "NOTIFICATION: Results given by telephone.",
        "Dr. Doe could not be reached; the findings were discussed with the nurse.",
        "The nurse was notified since Dr. Doe could not be reached.",
    ],
)
def test_results_that_were_communicated_are_told(text: str) -> None:
    assert is_told(text)


@pytest.mark.parametrize(
    "text",
    [
        "No pneumothorax.",
        "Dr. Doe could not be reached by telephone.",
        "Dr. Doe was paged at 3 pm but could not be reached.",
        "Dr. Doe was paged at 3 pm. There was no answer.",
        "Attempts to notify the physician by phone were unsuccessful.",
        "Findings to be discussed with the team.",
        "Results will be communicated to the patient.",
        "The findings were not discussed with anyone.",
        "Chronic findings as discussed below.",
        "Findings discussed above are unchanged.",
        "If you would like to discuss this case, please call.",
        "The so-called double density sign.",
        "INDICATION: Patient was informed by telephone of a mass.",
        "NOTIFICATION: None.",
    ],
)
def test_what_is_to_come_or_failed_is_no_communication(text: str) -> None:
    assert not is_told(text)


def test_every_way_to_communicate_passes_the_first_look() -> None:
    for row in rows("communication.csv"):
        if row["kind"] in ("told", "tried"):
            for words in spellings(row["phrase"]):
                text = " ".join("x" if word.startswith("~") else word for word in words).replace("d w", "d/w")
                assert any(sign in text for sign in SIGNS), (row, text)


def test_the_kinds_of_the_data_file_are_known() -> None:
    assert {row["kind"] for row in rows("communication.csv")} == {"told", "tried", "unreached", "not yet", "not told"}
    assert all(fold(word) for row in rows("communication.csv") for words in spellings(row["phrase"]) for word in words)


@pytest.mark.parametrize("unit", ["not be reached discussed with ", "notified of ", "will be discussed with ", "finding "])
def test_the_steps_grow_as_the_text_does(unit: str) -> None:
    def read(length: int) -> None:
        is_told("x called " + unit * (length // len(unit)))

    assert count_steps(read, 6_000) < 2.5 * count_steps(read, 3_000)
