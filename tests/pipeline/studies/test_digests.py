"""Digests that stand in the warehouses there are. Whoever changes one has every study made again: then say so in CHANGELOG."""

from __future__ import annotations

from medsearch_core.storage.warehouse import Origin
from medsearch_pipeline.studies.documents import TABLES
from medsearch_pipeline.studies.embeddings import vector_inputs_digest
from medsearch_pipeline.studies.images import image_inputs_digest
from medsearch_pipeline.studies.reports import report_inputs_digest

IMAGES, VECTORS, REPORTS = (
    "1475f3941c54b262f330ff9bb7f0a976",
    "bce7c1d543c60e8f1732e635a27b9b36",
    "f7d25eb69f44ea026e38f68310865840",
)


def test_the_digests_of_what_was_made_by_version_2_are_still_those() -> None:
    assert image_inputs_digest(["a 1 10", "b 2 20"], 512, 100_000_000, True) == IMAGES
    assert vector_inputs_digest("net", "1", IMAGES) == VECTORS
    assert report_inputs_digest(["a.txt 1 10"], "1") == REPORTS
    assert [Origin(digest, 2).digest for digest in (IMAGES, VECTORS, REPORTS)] == [IMAGES, VECTORS, REPORTS]


def test_a_version_changes_the_digest_of_its_own_table_alone() -> None:
    assert Origin(IMAGES, 3).digest not in (IMAGES, Origin(IMAGES, 4).digest)
    assert TABLES == ("dicom_metadata", "embeddings", "reports"), "the order is part of a document's digest"
