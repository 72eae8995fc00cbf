"""Tags that look like a person are told from those that do not."""

from __future__ import annotations

import pytest

from medsearch_pipeline.studies.personal_tags import looks_like_person


@pytest.mark.parametrize(
    ("tag", "what"),
    [
        ("Doe, John", "a name"),
        ("doe, john", "a name"),
        ("Doe,John", "a name"),
        ("John Doe", "a name"),
        ("JOHN DOE", "a name"),
        ("John F. Doe", "a name"),
        ("Anne-Marie O'Brien", "a name"),
        ("Ærøskøbing Ünal", "a name"),
        ("DOE^JOHN", "a name"),
        ("12345678", "a record number"),
        ("123-456-789", "a record number"),
        ("MRN 4711", "a record number"),
        ("patient 12", "a record number"),
        ("Trial 1234567", "a record number"),
        ("1962-03-04", "a date"),
        ("born 4.3.1962", "a date"),
        ("04/03/62", "a date"),
        ("1.2.840.113619.2", "a UID"),
        ("john@example.org", "an address"),
    ],
)
def test_what_may_be_a_person_is_told(tag: str, what: str) -> None:
    assert looks_like_person(tag) == what


@pytest.mark.parametrize(
    "tag",
    [
        "teaching",
        "Trial 7",
        "Teaching File",
        "Chest Rounds 2026",
        "pneumothorax left",
        "effusion, left",
        "COVID",
        "NCT01234567",
        "EUCTR2004-000446-20",
        "arm B",
        "Follow-up 2026-03",
        "RSNA 2026",
        "Quality Control Phase 2",
        "étude",
        "phase II/III",
    ],
)
def test_names_of_files_trials_and_rounds_pass(tag: str) -> None:
    assert looks_like_person(tag) is None
