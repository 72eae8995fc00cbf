"""The table of facets: what follows from a row, and how an index that was built before it behaves."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from medsearch_core.columns import TEXT
from medsearch_core.errors import IndexMismatch
from medsearch_core.keys import StudyKey
from medsearch_core.records import EmbeddingRecord, ImageRecord, ReportRecord
from medsearch_core.search import releases
from medsearch_core.search.documents import ImageDocument, ReportDocument, StudyDocuments, fields_of, study_documents
from medsearch_core.search.embedded import build
from medsearch_core.search.embedded.fields import COLUMNS, IMAGE, REPORT
from medsearch_core.search.embedded.index import EmbeddedIndex, open_embedded
from medsearch_core.search.facets import FACETS, FIRST_SCHEMA_VERSION, INDEX_SCHEMA_VERSION, Facet
from medsearch_core.search.filter_fields import IMAGE_FIELDS, REPORT_FIELDS
from medsearch_core.search.opensearch.mappings import reports_index
from medsearch_core.search.opensearch.options import IndexLayout
from medsearch_core.search.opensearch.sources import document_of
from medsearch_core.search.query import FACET_FIELDS, Filters
from tests.core.search.search_documents import image, report

A = StudyKey("p1", "s1")


def narrowed(facet: Facet, value: str) -> Filters:
    given: dict[str, Any] = {facet.name: [value]}
    return Filters(**given)


@pytest.mark.parametrize("facet", FACETS, ids=lambda facet: facet.name)
def test_a_facet_is_a_text_of_the_metadata_a_filter_a_count_and_a_field_of_every_index(facet: Facet) -> None:
    assert {f.name: f.metadata["type"] for f in fields(ImageRecord)}[facet.column] == TEXT
    assert getattr(Filters(), facet.name) == ()
    assert facet.name in FACET_FIELDS
    assert (IMAGE_FIELDS[facet.name], REPORT_FIELDS[facet.name]) == (facet.column, facet.name)
    assert (facet.column in COLUMNS[IMAGE], facet.name in COLUMNS[REPORT]) == (True, True)
    assert facet.name in reports_index(IndexLayout(), "v3-x", "now")["mappings"]["properties"]
    assert FIRST_SCHEMA_VERSION <= facet.since <= INDEX_SCHEMA_VERSION


@pytest.mark.parametrize("facet", FACETS, ids=lambda facet: facet.name)
def test_documents_have_a_facets_value_and_reports_those_of_their_studys_images(facet: Facet) -> None:
    shared: dict[str, Any] = {"patient": "p1", "study": "s1", "key": "k", "sha256": "a"}
    values: dict[str, Any] = {"1": "b", "2": "a", "3": None, "4": "a"}
    images = [
        ImageRecord(
            image_id=name, bytes=1, frame=1, frames=1, is_representative=True, study_instance_uid="1", sop_instance_uid=name,
            rows=1, columns=1, **shared, **{facet.column: value},
        )
        for name, value in values.items()
    ]  # fmt: skip
    names = [f.name for f in fields(ReportRecord) if f.name.startswith(("positive", "negative")) or "codes" in f.name]
    lists: dict[str, Any] = {name: [] for name in names}
    text = ReportRecord(report_id="s1", encoding="utf-8", ner_version="1", text="", **shared, **lists)
    vectors = [EmbeddingRecord(image_id=i.image_id, model_id="m", model_version="1", vector=[1.0]) for i in images]
    made = study_documents(A, images, vectors, [text], "inputs")
    assert [getattr(i, facet.column) for i in made.images] == ["b", "a", None, "a"]
    assert getattr(made.reports[0], facet.name) == ["a", "b"]


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[EmbeddedIndex, Facet]:
    """An index that was built before the last facet was added, with a study in it, and that facet."""
    facet = FACETS[-1]
    added = {facet.name, facet.column}
    index = open_embedded(str(tmp_path))
    with monkeypatch.context() as before:
        before.setattr(releases, "INDEX_SCHEMA_VERSION", INDEX_SCHEMA_VERSION - 1)
        before.setattr(build, "COLUMNS", {kind: fields_ - added for kind, fields_ in COLUMNS.items()})
        before.setattr(build, "fields_of", lambda d: {n: v for n, v in fields_of(d).items() if n not in added})
        documents = StudyDocuments(study=A, images=[image(A)], reports=[report(A, findings="An effusion.")], inputs="a")
        index.upsert([documents])
    return index, facet


def test_an_index_from_before_a_facet_answers_and_finds_nothing_by_it(older: tuple[EmbeddedIndex, Facet]) -> None:
    index, facet = older
    asked = narrowed(facet, "any")
    assert index.images(["s1.1"]) == [replace(image(A), vector=())]
    assert [hit.document.report_id for hit in index.text("effusion").hits] == ["s1"]
    assert len(index.similar([1.0, 0.0], 5)) == index.list_images().total == index.count().images == 1
    assert (index.facets(facet.name), [c.value for c in index.facets("patient")]) == ([], ["p1"])
    assert (index.similar([1.0, 0.0], 5, asked), index.text("", (), asked).total, index.count(asked).reports) == ([], 0, 0)
    assert index.images_of_reports(["s1"], asked) == [[]]
    assert index.health().studies == 1


def test_an_index_from_before_a_facet_takes_no_documents_until_it_is_built_anew(older: tuple[EmbeddedIndex, Facet]) -> None:
    index, facet = older
    study = StudyDocuments(study=A, images=[image(A, **{facet.column: "x"})], inputs="b")
    with pytest.raises(IndexMismatch, match="medsearch reindex"):
        index.upsert([study])
    name = index.begin(None)
    index.release(name).upsert([study])
    index.finish(name)
    index.publish(name)
    assert index.count(narrowed(facet, "x")).images == 1


def test_a_document_of_a_cluster_from_before_a_facet_is_read_without_it() -> None:
    facets = {name for facet in FACETS for name in (facet.column, facet.name)}
    for document in (image(A), report(A)):
        stored = {f.name: getattr(document, f.name) for f in fields(document) if f.name != "vector" and f.name not in facets}
        if isinstance(document, ImageDocument):
            assert document_of(ImageDocument, stored) == replace(document, vector=())
        else:
            assert document_of(ReportDocument, stored) == document
