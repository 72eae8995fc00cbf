"""Broader concepts, as data: every name is known and no concept is broader than itself."""

from __future__ import annotations

import pytest

from medsearch_core.reports import data_files
from medsearch_core.reports.lexicon.hierarchy import ancestors
from medsearch_core.reports.lexicon.vocabulary import vocabulary


def test_only_known_concepts_are_broader_or_narrower() -> None:
    rows = data_files.rows("hierarchy.csv")
    assert {row[name] for row in rows for name in ("concept", "broader")} <= set(vocabulary().concepts)
    assert len(rows) == len({tuple(row.values()) for row in rows})


def test_no_concept_is_broader_than_itself() -> None:
    assert [row["concept"] for row in data_files.rows("hierarchy.csv") if row["concept"] in ancestors(row["concept"])] == []


def test_every_fracture_of_the_vocabulary_is_a_fracture() -> None:
    named = [row["concept"] for row in data_files.rows("vocabulary.csv") if row["concept"].endswith(" fracture")]
    assert [concept for concept in named if "fracture" not in ancestors(concept)] == []


@pytest.mark.parametrize(
    ("concept", "broader"),
    [
        ("consolidation", "lung opacity"),
        ("ground-glass opacity", "lung opacity"),
        ("lung mass", "lung opacity"),
        ("honeycombing", "interstitial lung disease"),
        ("pneumothorax", "pleural abnormality"),
        ("pleural plaque", "pleural thickening"),
        ("cardiomegaly", "heart disease"),
        ("abdominal aortic aneurysm", "aneurysm"),
        ("femoral neck fracture", "hip fracture"),
        ("subdural hemorrhage", "hemorrhage"),
        ("inguinal hernia", "hernia"),
        ("axillary lymphadenopathy", "lymphadenopathy"),
        ("PICC", "support device"),
        ("endotracheal tube", "support device"),
        ("deep brain stimulator", "nerve stimulator"),
        ("small bowel obstruction", "bowel obstruction"),
        ("disc extrusion", "degenerative change"),
        ("liver metastasis", "cancer"),
    ],
)
def test_a_concept_is_found_under_its_broader_one(concept: str, broader: str) -> None:
    assert broader in ancestors(concept)


@pytest.mark.parametrize(("concept", "other"), [("pleural effusion", "lung opacity"), ("rib fracture", "hip fracture")])
def test_a_concept_is_not_found_under_another_family(concept: str, other: str) -> None:
    assert other not in ancestors(concept)
