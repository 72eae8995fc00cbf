"""Marked mentions of examinations beyond the chest radiograph, each one right."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from medsearch_core.reports.evaluation.corpus import AnnotatedMention, describe_mismatch, read_annotated_mentions

with Path(__file__).parents[1].joinpath("corpus_organs.csv").open(encoding="utf-8", newline="") as file:
    CORPUS = read_annotated_mentions(csv.DictReader(file))


def test_the_corpus_covers_every_kind_of_examination() -> None:
    kinds = {"chest ct", "abdomen", "pelvis", "head", "spine", "breast", "bone", "vessel", "devices", "organ", "codes"}
    assert kinds <= {row.phenomenon for row in CORPUS}
    assert len(CORPUS) >= 150


@pytest.mark.parametrize("row", CORPUS, ids=[f"{row.phenomenon}: {row.annotated_text}" for row in CORPUS])
def test_a_marked_mention_is_read_as_it_says(row: AnnotatedMention) -> None:
    assert describe_mismatch(row) is None
