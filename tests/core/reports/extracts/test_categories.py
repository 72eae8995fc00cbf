"""Reporting categories; the texts are written for these tests."""

from __future__ import annotations

import pytest

from medsearch_core.reports.data_files import rows
from medsearch_core.reports.extracts.categories import categories_of
from tests.support.steps import count_steps


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("BIRADS category 4", "BI-RADS 4"),
        ("BI-RADS: 2", "BI-RADS 2"),
        ("ACR BI-RADS 5", "BI-RADS 5"),
        ("BI-RADS CATEGORY 4A: Suspicious.", "BI-RADS 4A"),
        ("bi-rads final assessment category 6", "BI-RADS 6"),
        ("BI-RADS® Category IV", "BI-RADS 4"),
        ("BI-RADS 2: Benign, 12-month follow-up.", "BI-RADS 2"),
        ("Lung-RADS category 4A", "Lung-RADS 4A"),
        ("Lung RADS 2S", "Lung-RADS 2S"),
        ("Lung-RADS v1.1 4X", "Lung-RADS 4X"),
        ("Lung-RADS 2022 category 3", "Lung-RADS 3"),
        ("TR4 nodule", "TI-RADS 4"),
        ("ACR TI-RADS category 5", "TI-RADS 5"),
        ("TI-RADS category TR3", "TI-RADS 3"),
        ("LR-5 observation", "LI-RADS 5"),
        ("LI-RADS 3", "LI-RADS 3"),
        ("LR-M", "LI-RADS M"),
        ("LR-TIV", "LI-RADS TIV"),
        ("PI-RADS v2.1 category 5", "PI-RADS 5"),
        ("CAD-RADS 2.0 category 3", "CAD-RADS 3"),
        ("CAD-RADS 4B/P3", "CAD-RADS 4B"),
        ("O-RADS US category 4", "O-RADS 4"),
    ],
)
def test_a_category_is_normalised(text: str, category: str) -> None:
    assert categories_of(text) == [category]


def test_categories_are_sorted_and_given_once() -> None:
    text = "PI-RADS 4 lesion. TR5 nodule. TI-RADS 5. TR2 nodule. TR3 nodule. Again PI-RADS 4."
    assert categories_of(text) == ["PI-RADS 4", "TI-RADS 2", "TI-RADS 3", "TI-RADS 5"]


@pytest.mark.parametrize(
    "text",
    [
        "Prior BI-RADS 2.",
        "Previously categorized as BI-RADS 3.",
        "BI-RADS 3 on the prior mammogram.",
        "BI-RADS 0: incomplete, 1: negative, 2: benign, 3: probably benign",
        "BI-RADS 0 - Incomplete; BI-RADS 1 - Negative; BI-RADS 2 - Benign",
        "The BI-RADS scale goes from 0-6: BI-RADS 1 to 6.",
        "TI-RADS 4 points.",
        "Trace TR. LR and MR 2. TR 500 ms.",
        "Comrades 3, brads 4.",
        "BI-RADS 9.",
    ],
)
def test_earlier_categories_legends_and_scales_do_not_count(text: str) -> None:
    assert categories_of(text) == []


def test_the_reports_own_category_counts_beside_an_earlier_one_and_a_legend() -> None:
    assert categories_of("Previously BI-RADS 3, now BI-RADS 4.") == ["BI-RADS 4"]
    legend = "BI-RADS 0 - Incomplete; BI-RADS 1 - Negative; BI-RADS 2 - Benign; BI-RADS 3 - Probably benign."
    assert categories_of(f"{legend} Assessment: BI-RADS 4C.") == ["BI-RADS 4C"]


def test_every_value_of_every_system_is_read() -> None:
    for row in rows("categories.csv"):
        for value in row["values"].split():
            assert categories_of(f"{row['system']} {value}.") == [f"{row['system']} {value}"]
            if row["short"]:
                assert categories_of(f"{row['short']}-{value}.") == [f"{row['system']} {value}"]


@pytest.mark.parametrize("unit", ["BI-RADS 2 ", "BI-RADS category ", "prior BI-RADS 2, ", "TR4 ", "BI-RADS 0: incomplete, "])
def test_the_steps_grow_as_the_text_does(unit: str) -> None:
    def read(length: int) -> None:
        categories_of(unit * (length // len(unit)))

    assert count_steps(read, 30_000) < 2.5 * count_steps(read, 15_000)
