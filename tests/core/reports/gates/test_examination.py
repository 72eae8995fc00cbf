"""What a report is of: from its titles (`titles.csv`), else from DICOM."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsearch_core.reports.data_files import read_rows, rows
from medsearch_core.reports.gates.examination import MODALITIES, Examination, examination_of, is_chest
from medsearch_core.reports.text.sections import split_sections

TITLES = read_rows(Path(__file__).with_name("titles.csv"))


def examination(text: str, **dicom: str) -> Examination:
    return examination_of(text, split_sections(text), **dicom)


@pytest.mark.parametrize("row", TITLES, ids=[row["title"] for row in TITLES])
def test_a_title_says_what_was_examined(row: dict[str, str]) -> None:
    expected = Examination(row["modality"] or None, tuple(filter(None, row["body_parts"].split("|"))), row["organ"] or None)
    text = row["title"].replace("\\n", "\n")
    assert examination(text) == expected
    if "FINDINGS" not in text and expected.body_parts:
        assert examination(text + "\nFINDINGS: Displaced fracture of the left femur.\nIMPRESSION: CT of the brain.") == expected


@pytest.mark.parametrize(
    ("dicom", "expected"),
    [
        ({"modality": "CR"}, Examination("DX")),
        ({"modality": "dx ", "body_part": "CHEST"}, Examination("DX", ("chest",))),
        ({"modality": "CT", "body_part": "CHESTABDPELVIS"}, Examination("CT", ("chest", "abdomen", "pelvis"))),
        ({"modality": "MR", "body_part": "LSPINE"}, Examination("MR", ("spine",))),
        ({"modality": "MR", "body_part": "BRAIN"}, Examination("MR", ("head",), "brain")),
        ({"modality": "MG"}, Examination("MG", ("breast",), "breast")),
        ({"modality": "US", "description": "US THYROID"}, Examination("US", ("neck",), "thyroid gland")),
        ({"modality": "CT", "body_part": "CHEST", "description": "CT ABD/PEL W CON"}, Examination("CT", ("abdomen", "pelvis"))),
        ({"description": "XR CHEST 2 VW"}, Examination("DX", ("chest",))),
        ({"description": "MR L SPINE WO"}, Examination("MR", ("spine",))),
        ({"body_part": "THORAX"}, Examination(None, ("chest",))),
        ({"modality": "SR", "body_part": ""}, Examination()),
    ],
)
def test_dicom_says_what_the_text_leaves_open(dicom: dict[str, str], expected: Examination) -> None:
    assert examination("FINDINGS: Unremarkable.", **dicom) == expected


def test_a_title_may_follow_the_indication() -> None:
    text = "INDICATION: Knee pain.\n\nPORTABLE CHEST RADIOGRAPH: The right hip prosthesis is out of view."
    assert examination(text) == Examination("DX", ("chest",))


def test_the_text_wins_over_dicom() -> None:
    found = examination("CT HEAD WITHOUT CONTRAST\nFINDINGS: Normal.", modality="DX", body_part="CHEST", description="XR CHEST")
    assert found == Examination("CT", ("head",))


def test_dicom_adds_the_modality_to_a_body_part_of_the_text() -> None:
    assert examination("LEFT KNEE\nFINDINGS: Normal.", modality="MR", body_part="CHEST") == Examination("MR", ("knee",))


def test_chest_heart_and_whole_body_are_of_the_chest_and_so_is_what_nobody_knows() -> None:
    parts = [("chest",), ("heart",), ("whole body",), ("abdomen", "chest"), ()]
    assert all(is_chest(Examination("CT", part)) for part in parts)
    assert not any(is_chest(Examination("CT", part)) for part in [("abdomen",), ("neck",), ("head", "spine")])


def test_a_report_of_one_long_line_is_read() -> None:
    assert examination("CHEST AP PORTABLE " + "opacity " * 40_000) == Examination()


def test_every_row_has_a_kind_a_modality_of_dicom_and_phrases_of_its_own() -> None:
    seen: set[str] = set()
    for row in rows("examinations.csv"):
        assert row["kind"] in {"examination", "view", "other", "never", "end"}
        assert row["modality"] in {"", *MODALITIES.values()}
        assert bool(row["modality"] or row["body_parts"]) == (row["kind"] in {"examination", "view"})
        phrases = row["phrases"].split("|")
        assert seen.isdisjoint(phrases), seen & set(phrases)
        assert len(set(phrases)) == len(phrases), phrases
        seen.update(phrases)
