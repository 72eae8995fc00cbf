"""Functions and values that the shared tests' cases have in common."""

from __future__ import annotations

from typing import Any

from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import StudyDocuments
from tests.core.search.search_documents import study_of

A, B, C = StudyKey("p1", "s1"), StudyKey("p1", "s2"), StudyKey("p2", "s3")


def ids(page: Any) -> list[str]:
    return [hit.document.report_id for hit in page.hits]


def image_ids(hits: Any) -> list[str]:
    return [hit.document.image_id for hit in hits]


def reports(*texts: str) -> list[StudyDocuments]:
    """Studies s0, s1, … with one report each, of these findings."""
    return [study_of(f"s{n}", images=0, findings=text) for n, text in enumerate(texts)]
