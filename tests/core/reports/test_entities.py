"""A sentence that was read before is read anew where its report says something else of it."""

from __future__ import annotations

from medsearch_core.records import EntityRecord
from medsearch_core.reports.read import read_report


def mentions(text: str) -> list[EntityRecord]:
    return read_report(text.encode(), report_id="s1", patient="p1", study="s1", key="s1.txt")[1]


def one(text: str, words: str) -> EntityRecord:
    (found,) = (entity for entity in mentions(text) if entity.text == words)
    assert text[found.begin : found.end] == words
    return found


def test_its_section_decides() -> None:
    seen, asked = "FINDINGS: Pneumonia on the left.", "INDICATION: Pneumonia on the left.\n\nFINDINGS: Clear."
    assert [one(text, "Pneumonia").assertion for text in (seen, asked, seen)] == ["present", "hypothetical", "present"]


def test_what_was_examined_decides() -> None:
    sentence = "FINDINGS: There is a mass."
    organs = [one(f"EXAMINATION: {exam}\n\n{sentence}", "mass").concept for exam in ("CT head", "Chest radiograph", "CT head")]
    assert organs[0] == organs[2] != organs[1]


def test_the_sentence_after_it_decides_where_it_goes_on() -> None:
    tube, tip = "FINDINGS: Endotracheal tube in place.", " The tip is 3 cm above the carina."
    distances = [one(tube + more, "Endotracheal tube").above_carina_mm for more in ("", tip, " No effusion.", tip)]
    assert distances == [None, 30, None, 30]


def test_the_label_before_it_decides() -> None:
    sentence = "Normal in size. There is a mass."
    organs = [one(f"FINDINGS:\n{label}: {sentence}", "mass").organ for label in ("Liver", "Kidneys", "Liver")]
    assert organs == ["liver", "kidney", "liver"]


def test_an_equal_report_is_read_equally_at_other_offsets() -> None:
    text = "FINDINGS: Small left effusion. No pneumothorax; efusion on the right."
    moved = [(e.begin - 5, e.end - 5, e.concept, e.assertion, e.spelling) for e in mentions(f"Note\n{text}")]
    assert moved == [(e.begin, e.end, e.concept, e.assertion, e.spelling) for e in mentions(text)]
