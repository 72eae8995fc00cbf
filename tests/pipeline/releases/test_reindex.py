"""Rebuilding the index from Parquet: nothing lost, nothing doubled, nothing published that is not fit."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from medsearch_core.errors import ConfigurationError, DocumentsRefused, IndexMismatch, ReleaseUnfit
from medsearch_core.keys import StudyKey
from medsearch_core.records import EmbeddingRecord
from medsearch_core.search.documents import StudyDocuments
from medsearch_core.search.facets import INDEX_SCHEMA_VERSION
from medsearch_core.search.index import SearchIndex
from medsearch_core.search.model import Model
from medsearch_core.search.open import open_index
from medsearch_core.search.opensearch import lease
from medsearch_core.search.releases import Release, ReleasedIndex, release_name
from medsearch_core.storage.warehouse import study_path
from medsearch_pipeline.releases import load as release_load
from medsearch_pipeline.releases.build import ReindexResult, reindex, resumable_release
from medsearch_pipeline.releases.load import refused_studies
from medsearch_pipeline.releases.preconditions import sole_model
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.documents import StudyIncomplete, documents_digest, list_studies, read_documents
from tests.support.opensearch_node.shared import fresh_name, shared_url
from tests.support.parquet_fixtures import (
    MODEL,
    OTHER_MODEL,
    fill_warehouse,
    home_settings,
    put_embeddings,
    put_images,
    put_report,
    put_study,
    remove_study,
    study_key,
    warehouse_of,
)
from tests.support.paths import PROJECT_ROOT
from tests.support.sentences import figures

STUDIES = 10
IMAGES = 2 * STUDIES
ALL = (IMAGES, STUDIES, STUDIES)


class Watching:
    """Counts, and does something when a load begins its n-th round or its n-th batch is written."""

    def __init__(self, at_round: dict[int, Callable[[], object]] | None = None, at_batch: dict[int, Any] | None = None) -> None:
        self.steps: list[str] = []
        self.rounds: list[int] = []
        self.batches = 0
        self._at_round, self._at_batch = at_round or {}, at_batch or {}

    def step(self, what: str) -> None:
        self.steps.append(what)

    def begin(self, studies: int) -> None:
        self.rounds.append(studies)
        self._at_round.get(len(self.rounds), lambda: None)()

    def advance(self, studies: int, images: int) -> None:
        self.batches += 1
        self._at_batch.get(self.batches, lambda: None)()


class Dropping:
    """An index that takes every study but one: silently, or saying which documents it refuses."""

    def __init__(self, index: SearchIndex, study: StudyKey, refused: dict[str, str] | None = None) -> None:
        self._index, self._study, self._refused = index, study, refused

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    def release(self, name: str) -> Dropping:
        return Dropping(cast(ReleasedIndex, self._index).release(name), self._study, self._refused)

    def upsert(self, studies: Sequence[StudyDocuments]) -> int:
        written = self._index.upsert([s for s in studies if s.study != self._study])
        if written != len(studies) and self._refused:
            raise DocumentsRefused(self._refused)
        return written


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_load, "BATCH", 4)


@pytest.fixture(params=["embedded", "opensearch"])
def settings(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    where: dict[str, Any] = {}
    if request.param == "opensearch":
        monkeypatch.setattr(lease, "TAKEOVER_SECONDS", 1.0)
        where = {"index": shared_url(), "index_name": fresh_name(), "index_replicas": 0}
    found = home_settings(tmp_path, **where)
    fill_warehouse(found, STUDIES)
    return found


def build(settings: Settings, watching: Watching | None = None, **options: Any) -> ReindexResult:
    return reindex(warehouse_of(settings), open_index(settings), watching or Watching(), **options)


def inputs_in(settings: Settings) -> dict[StudyKey, str]:
    """What a full index holds: every study of the warehouse with its inputs."""
    warehouse = warehouse_of(settings)
    return {study: documents_digest(warehouse, study) for study in list_studies(warehouse)}


def assert_whole(settings: Settings) -> None:
    """The current release holds every study of the warehouse as it is, once."""
    index, wanted = open_index(settings), inputs_in(settings)
    assert dict(index.studies()) == wanted
    documents = [read_documents(warehouse_of(settings), study) for study in wanted]
    health = index.health()
    assert (health.images, health.reports, health.studies) == (
        sum(len(d.images) for d in documents),
        sum(len(d.reports) for d in documents),
        len(wanted),
    )


def found(settings: Settings, words: str) -> list[str]:
    return [hit.document.report_id for hit in open_index(settings).text(words, limit=1000).hits]


def test_an_index_is_built_from_parquet_alone_and_checked_before_it_is_published(settings: Settings) -> None:
    done = build(settings)
    assert_whole(settings)
    (release,) = open_index(settings).releases()
    assert (release.name, release.is_current) == (done.name, True)
    assert done.name.startswith(f"v{INDEX_SCHEMA_VERSION}-net-imagenet-aaaa-512px-p1-")
    assert done.verification.held == done.verification.expected == ALL
    assert (done.verification.recall, done.verification.sample, done.verification.missing) == (1.0, IMAGES, 0)
    assert (done.loaded_images, done.loaded_studies, done.is_resumed, done.missing) == (IMAGES, STUDIES, False, {})
    assert done.seconds > 0
    assert len(found(settings, "effusion")) == STUDIES


def test_a_study_without_images_and_reports_is_none_of_the_index_and_no_fault(settings: Settings) -> None:
    warehouse = warehouse_of(settings)
    put_study(warehouse, study_key(90), images=0)
    empty = study_path("reports", study_key(90))
    warehouse.write(empty, warehouse.read(empty).slice(0, 0), "no report")
    assert build(settings).verification.held == ALL


def test_killed_in_the_middle_and_run_again_nothing_is_lost_or_doubled(settings: Settings) -> None:
    home = str(Path(settings.warehouse).parent)
    program = [
        sys.executable,
        "-m",
        "tests.pipeline.releases.reindex_killed",
        home,
        "1",
        settings.index,
        settings.index_name,
    ]
    assert subprocess.run(program, cwd=PROJECT_ROOT, capture_output=True, check=False).returncode == -signal.SIGKILL
    assert open_index(settings).health().images == 0
    (unfinished,) = open_index(settings).releases()
    open_index(settings).finish(unfinished.name)
    held = len(open_index(settings).release(unfinished.name).studies())
    assert 0 < held < STUDIES, "the load was not killed in the middle"

    done = build(settings)
    assert (done.name, done.is_resumed, done.loaded_studies) == (unfinished.name, True, STUDIES - held)
    assert done.verification.held == ALL
    assert_whole(settings)


def test_a_resumed_release_loses_what_the_warehouse_lost_and_takes_what_changed(settings: Settings) -> None:
    with pytest.raises(ReleaseUnfit):
        build(settings, min_recall=1.1)
    warehouse = warehouse_of(settings)
    remove_study(warehouse, study_key(0))
    put_report(warehouse, study_key(1), "Cardiomegaly.")
    put_study(warehouse, study_key(40))
    done = build(settings)
    assert (done.is_resumed, done.loaded_studies) == (True, 2)
    assert found(settings, "cardiomegaly") == [study_key(1).study]
    assert_whole(settings)


def test_a_study_that_is_finished_during_the_load_is_not_missing(settings: Settings) -> None:
    break_tables(settings)

    def repair() -> None:
        for n in range(3):
            put_study(warehouse_of(settings), study_key(n))

    repaired = Watching(at_batch={3: repair})
    done = build(settings, repaired)
    assert (done.missing, done.verification.held) == ({}, ALL)
    assert_whole(settings)


@pytest.mark.parametrize(("round_", "batch"), [(0, 2), (2, 0), (3, 0)])
def test_what_is_materialised_during_the_load_is_caught_up(settings: Settings, round_: int, batch: int) -> None:
    warehouse = warehouse_of(settings)
    build(settings)

    def ingest() -> None:
        put_report(warehouse, study_key(0), "Cardiomegaly.")
        put_study(warehouse, study_key(1), images=3)
        put_study(warehouse, study_key(60))
        remove_study(warehouse, study_key(2))

    watching = Watching({round_: ingest}, {batch: ingest})
    if round_ == 3:  # listed already: only what Dagster writes to the new current release can bring it
        build(settings, watching)
        assert len(watching.rounds) == 3
        assert set(open_index(settings).studies()) == {study_key(n) for n in range(STUDIES)}
        build(settings)
    else:
        build(settings, watching)
    assert found(settings, "cardiomegaly") == [study_key(0).study]
    assert_whole(settings)


def test_a_release_that_lacks_documents_is_not_published_and_readers_notice_nothing(settings: Settings) -> None:
    before = build(settings).name
    put_report(warehouse_of(settings), study_key(0), "Cardiomegaly.")
    index = open_index(settings)
    losing: Any = Dropping(index, study_key(5))
    with pytest.raises(ReleaseUnfit) as unfit:
        reindex(warehouse_of(settings), losing, Watching())
    assert figures(str(unfit.value))[:6] == [18, 20, 9, 10, 9, 10], "images, reports and studies: held and expected"
    assert [(r.is_current, r.published is None) for r in index.releases()] == [(False, True), (True, False)]
    assert index.health().release == before
    assert found(settings, "cardiomegaly") == []
    assert build(settings).loaded_studies == 1
    assert_whole(settings)


def test_a_release_that_finds_too_little_is_not_published(settings: Settings) -> None:
    with pytest.raises(ReleaseUnfit, match=r"1\.000.*1\.1.*medsearch discard v"):
        build(settings, min_recall=1.1)
    assert open_index(settings).health().images == 0


def test_embeddings_of_two_models_are_refused_before_anything_is_written(settings: Settings) -> None:
    warehouse = warehouse_of(settings)
    for n in range(3):
        put_embeddings(warehouse, study_key(n), 2, OTHER_MODEL)
    said = (
        r"net-imagenet aaaa-512px-p1 \(8 dimensions\) in 7 studies and of net-imagenet bbbb-512px-p1 \(8 dimensions\) in 3 "
        r"studies.*MEDSEARCH_MODEL"
    )
    with pytest.raises(IndexMismatch, match=said):
        build(settings)
    assert open_index(settings).releases() == []


def test_another_models_release_goes_beside_the_current_one(settings: Settings) -> None:
    build(settings)
    for n in range(STUDIES):
        put_embeddings(warehouse_of(settings), study_key(n), 2, OTHER_MODEL)
    with pytest.raises(IndexMismatch, match="medsearch reindex"):
        open_index(settings).upsert([read_documents(warehouse_of(settings), study_key(0))])
    done = build(settings)
    assert open_index(settings).health().model_version == OTHER_MODEL[1]
    assert [r.name == done.name for r in open_index(settings).releases()] == [True, False]


def break_tables(settings: Settings) -> None:
    """Leaves three studies unfinished, each in another way."""
    warehouse = warehouse_of(settings)
    warehouse.store.delete(study_path("embeddings", study_key(0)))
    put_images(warehouse, study_key(1), 3)
    warehouse.store.write(study_path("reports", study_key(2)), b"PAR1 not really")


def test_a_study_that_is_half_materialised_is_named_and_nothing_is_published_without_it(settings: Settings) -> None:
    before = build(settings).name
    break_tables(settings)
    with pytest.raises(ReleaseUnfit, match=" 3 studies") as unfit:
        build(settings)
    for reason in (
        f"{study_key(0)} has no embeddings",
        f"{study_key(1)} has outdated embeddings",
        f"{study_key(2)} has no reports",
        "--allow-missing",
    ):
        assert reason in str(unfit.value)
    assert open_index(settings).health().release == before

    done = build(settings, allow_missing=True)
    assert (done.is_resumed, sorted(done.missing)) == (True, [study_key(n) for n in range(3)])
    assert set(open_index(settings).studies()) == {study_key(n) for n in range(3, STUDIES)}

    for n in range(3):
        put_study(warehouse_of(settings), study_key(n))
    assert build(settings).missing == {}
    assert_whole(settings)


def test_a_study_that_comes_apart_in_an_unfinished_release_leaves_it(settings: Settings) -> None:
    with pytest.raises(ReleaseUnfit):
        build(settings, min_recall=1.1)
    break_tables(settings)
    done = build(settings, allow_missing=True)
    assert done.is_resumed
    assert done.verification.held == (IMAGES - 6, STUDIES - 3, STUDIES - 3)


def test_a_study_whose_run_is_under_way_when_it_is_published_stays_as_it_was(settings: Settings) -> None:
    build(settings)
    comes_apart = Watching(at_batch={3: lambda: put_images(warehouse_of(settings), study_key(0), 3)})
    done = build(settings, comes_apart, fresh=True)
    assert list(done.missing) == [study_key(0)]
    assert "outdated embeddings" in done.missing[study_key(0)]
    health = open_index(settings).health()
    assert (health.release, health.images) == (done.name, IMAGES)


def test_documents_the_index_refuses_keep_the_release_from_readers(settings: Settings) -> None:
    refused = {f"{study_key(7)}/image/1.2": "mapper_parsing_exception"}
    refusing: Any = Dropping(open_index(settings), study_key(7), refused)
    with pytest.raises(ReleaseUnfit, match=rf"{study_key(7)}/image/1\.2 \(mapper_parsing_exception\)"):
        reindex(warehouse_of(settings), refusing, Watching())
    done = reindex(warehouse_of(settings), refusing, Watching(), allow_missing=True)
    assert done.verification.held == (IMAGES - 2, STUDIES - 1, STUDIES - 1)
    assert set(open_index(settings).studies()) == {study_key(n) for n in range(STUDIES) if n != 7}


def test_refusals_are_told_by_study() -> None:
    refused = DocumentsRefused({"p1/s1/image/1": "too_long", "p1/s1/report/s1": "other", "p1/s2/image/2": "x"})
    assert list(refused_studies(refused)) == [StudyKey("p1", "s1"), StudyKey("p1", "s2")]


def test_an_empty_warehouse_takes_nobodys_index_away(settings: Settings, tmp_path: Path) -> None:
    build(settings)
    emptied = settings.model_copy(update={"warehouse": str(tmp_path / "elsewhere")})
    with pytest.raises(ConfigurationError, match="MEDSEARCH_WAREHOUSE"):
        build(emptied)
    assert_whole(settings)


def test_superseded_releases_are_deleted_but_for_those_kept(settings: Settings) -> None:
    names = [build(settings, fresh=True, keep=2).name for _ in range(2)]
    third = build(settings, fresh=True, keep=2)
    assert third.discarded == names[:1]
    assert [r.name for r in open_index(settings).releases()] == [third.name, names[1]]
    last = build(settings, fresh=True, keep=1)
    assert [r.name for r in open_index(settings).releases()] == [last.name]


def test_fresh_leaves_an_unfinished_release_alone(settings: Settings) -> None:
    with pytest.raises(ReleaseUnfit):
        build(settings, min_recall=1.1)
    (unfit,) = open_index(settings).releases()
    done = build(settings, fresh=True)
    assert (done.is_resumed, done.loaded_studies) == (False, STUDIES)
    assert {r.name for r in open_index(settings).releases()} == {done.name, unfit.name}


def test_only_an_unpublished_release_of_this_schema_and_model_is_gone_on_with() -> None:
    model = Model("net", "a-1", 8)
    names = [release_name(m) for m in (model, Model("net", "a", 8), Model("net", "a-1-2", 8), None)]
    made = [Release(name=n, created=datetime(2026, 1, 1, tzinfo=UTC), published=None, is_current=False) for n in names]
    assert [resumable_release(made, m) for m in (model, None, Model("net", "b", 8))] == [names[0], names[3], None]
    published = Release(name=names[0], created=datetime.now(UTC), published=datetime.now(UTC), is_current=False)
    older = Release(name=names[0].replace("v", "v9", 1), created=datetime.now(UTC), published=None, is_current=False)
    assert resumable_release([published, older], model) is None


def test_no_images_at_all_have_no_model() -> None:
    assert sole_model({}) is None
    assert sole_model({Model("net", "a", 8): 3}) == Model("net", "a", 8)


def test_embeddings_made_from_other_pixels_are_not_indexed(settings: Settings) -> None:
    warehouse = warehouse_of(settings)
    path = study_path("embeddings", study_key(0))
    warehouse.write_rows(EmbeddingRecord, path, warehouse.read_rows(EmbeddingRecord, path), "of older thumbnails")
    with pytest.raises(StudyIncomplete, match="outdated embeddings"):
        read_documents(warehouse, study_key(0))
    assert read_documents(warehouse, study_key(1)).images[0].model_version == MODEL[1]
