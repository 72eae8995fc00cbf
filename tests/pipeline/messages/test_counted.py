"""Counts with their nouns."""

from __future__ import annotations

import pytest

from medsearch_pipeline.messages.counted import counted


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [
        (0, "run", "0 runs"),
        (1, "study", "1 study"),
        (2, "study", "2 studies"),
        (2, "day", "2 days"),
        (2, "DICOM object", "2 DICOM objects"),
    ],
)
def test_a_noun_follows_its_count(count: int, noun: str, text: str) -> None:
    assert counted(count, noun) == text
