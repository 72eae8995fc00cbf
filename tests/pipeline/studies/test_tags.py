"""Tags: kept in the warehouse, searchable at once, carried into every rebuild."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsearch_core.errors import InvalidQuery
from medsearch_core.search.open import open_index
from medsearch_core.search.query import Filters
from medsearch_core.storage.warehouse import study_path
from medsearch_pipeline.cli import main
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.documents import documents_digest, list_studies, read_documents, read_tags
from medsearch_pipeline.studies.tags import normalize_tags, retag
from tests.support.parquet_fixtures import (
    fill_warehouse,
    home_settings,
    put_images,
    record_configured_model,
    study_key,
    warehouse_of,
)

STUDY = study_key(0)
TRIAL = Filters(tags=("Trial 7",))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    found = home_settings(tmp_path)
    fill_warehouse(found, 3)
    record_configured_model(found)
    monkeypatch.setenv("MEDSEARCH_WAREHOUSE", found.warehouse)
    monkeypatch.setenv("MEDSEARCH_INDEX", found.index)
    return found


def test_tags_are_stripped_sorted_and_each_there_once() -> None:
    assert normalize_tags([" b ", "a", "B", "a", "A b"]) == ["A b", "B", "a", "b"]
    assert normalize_tags(["e\u0301tude"]) == ["\u00e9tude"]
    assert normalize_tags(["x" * 64]) == ["x" * 64]


@pytest.mark.parametrize("tag", ["", "  ", "x" * 65, "a\nb", "a\x00", "a\u200bb", "\ud800", "a\x7f"])
def test_what_cannot_be_printed_or_is_too_long_is_no_tag(tag: str) -> None:
    with pytest.raises(InvalidQuery, match="1 to 64"):
        normalize_tags([tag])


def test_a_tag_is_found_at_once_and_gone_at_once(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reindex"]) == 0
    assert main(["tag", STUDY.partition, "Trial 7", " teaching "]) == 0
    assert f'{STUDY}: "Trial 7", "teaching"\n' in capsys.readouterr().out
    index = open_index(settings)
    assert (index.count(TRIAL).images, index.count(TRIAL).reports) == (2, 1)
    image = index.images([f"{STUDY.study[1:]}.0"])[0]
    assert image is not None
    assert image.tags == ("Trial 7", "teaching")
    assert [f.value for f in index.facets("tags")] == ["Trial 7", "teaching"]

    assert main(["untag", STUDY.partition, "Trial 7"]) == 0
    assert index.count(TRIAL).images == 0
    assert main(["untag", STUDY.partition]) == 0
    assert "no tags" in capsys.readouterr().out
    assert read_tags(warehouse_of(settings), STUDY) == []
    assert "tags" not in list_studies(warehouse_of(settings))[STUDY]


def test_a_tag_that_looks_like_a_person_is_added_only_when_somebody_says_that_it_is_none(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["tag", STUDY.partition, "teaching", "Doe, John", "12345678"]
    assert main(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert all(said in line for said in ('"Doe, John" looks like a name', '"12345678" looks like a record number', "--yes"))
    assert read_tags(warehouse_of(settings), STUDY) == [], "none of them is added"
    assert main([*arguments, "--yes"]) == 0
    assert f'{STUDY}: "12345678", "Doe, John", "teaching"\n' in capsys.readouterr().out
    assert main(["untag", STUDY.partition, "Doe, John"]) == 0


def test_tags_come_with_a_rebuild_and_change_what_a_study_was_made_from(settings: Settings) -> None:
    warehouse = warehouse_of(settings)
    untagged = documents_digest(warehouse, STUDY)
    retag(warehouse, STUDY, add=["Trial 7"])
    assert documents_digest(warehouse, STUDY) != untagged
    assert read_documents(warehouse, STUDY).inputs == documents_digest(warehouse, STUDY)
    assert main(["reindex"]) == 0
    assert open_index(settings).count(TRIAL).reports == 1
    retag(warehouse, STUDY, remove=None)
    assert documents_digest(warehouse, STUDY) == untagged


def test_a_study_that_is_not_indexed_keeps_its_tags_for_when_it_is(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tag", STUDY.partition, "Trial 7"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2, "its tags, and that the study is not indexed"
    assert open_index(settings).releases() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tag", "p1/s1", "x"], "p1/s1"),
        (["untag", "p1/s1"], "p1/s1"),
        (["tag", STUDY.partition, "a\tb"], "1 to 64"),
    ],
)
def test_an_unknown_study_or_a_wrong_tag_is_one_line(
    settings: Settings, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert list(warehouse_of(settings).store.list("tags")) == []


@pytest.mark.parametrize("study", ["p1", "../s1", "p1/s1/x"])
def test_a_study_is_spelled_patient_slash_study(settings: Settings, study: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["tag", study, "x"])
    said = capsys.readouterr().err
    assert "study key may hold only" in said or "PATIENT/STUDY" in said


def test_a_study_that_has_to_be_materialised_again_keeps_the_tag_and_says_so(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reindex"]) == 0
    put_images(warehouse_of(settings), STUDY, 3)
    assert main(["tag", STUDY.partition, "Trial 7"]) == 1
    assert f"{STUDY} has outdated embeddings" in capsys.readouterr().err
    assert read_tags(warehouse_of(settings), STUDY) == ["Trial 7"]


def test_a_broken_tag_file_is_named(settings: Settings) -> None:
    warehouse = warehouse_of(settings)
    warehouse.store.write(study_path("tags", STUDY), b"PAR1 not really")
    with pytest.raises(Exception, match=str(STUDY)):
        read_documents(warehouse, STUDY)
