"""The dispatcher's sensor on a real warehouse and a real Dagster instance, tick by tick."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from medsearch_core.keys import StudyKey
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.intake import journal, pending
from medsearch_pipeline.orchestration.partitions import NAME, register
from medsearch_pipeline.resources import WarehouseResource
from medsearch_pipeline.sensors import ingest_sensor
from tests.support.ingest import instance_in_memory, settings_in
from tests.support.landing import noticed
from tests.support.sentences import figures

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
A, B, C, D, E = STUDIES = [StudyKey("p1", f"s{n}") for n in range(1, 6)]


class Place:
    """A warehouse and an instance; no daemon, so requests become runs when the test says so."""

    def __init__(self, home: Path, **settings: Any) -> None:
        self.settings = settings_in(home / "landing", home).model_copy(update=settings)
        self.instance = instance_in_memory()
        self.repository = build_definitions(self.settings).get_repository_def()
        self.warehouse = Warehouse(open_store(self.settings.warehouse))
        self.told = ""

    def notice(self, *studies: StudyKey, observed: datetime = LONG_AGO, change: str = "added") -> str:
        changes = [noticed(study, change) for study in studies]
        return journal.append(self.warehouse, changes, observed)

    def tick(self) -> Sequence[dg.RunRequest]:
        """One evaluation; what it asks for, and in `told` why it asks for nothing."""
        resources = {"warehouse": WarehouseResource(url=self.settings.warehouse)}
        with dg.build_sensor_context(
            instance=self.instance, repository_def=self.repository, resources=resources, sensor_name="ingest_sensor"
        ) as context:
            found = self.repository.get_sensor_def("ingest_sensor").evaluate_tick(context)
        self.told = found.skip_message or ""
        return found.run_requests or []

    def launch(self, *requests: dg.RunRequest) -> list[dg.DagsterRun]:
        return [
            create_run_for_test(
                self.instance,
                job_name="ingest_job",
                tags={**request.tags, "dagster/run_key": request.run_key or ""},
                status=dg.DagsterRunStatus.STARTED,
            )
            for request in requests
        ]

    def spans(self, requests: Sequence[dg.RunRequest]) -> list[tuple[str, str, str]]:
        names = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end", "medsearch/studies")
        return [tuple(request.tags[name] for name in names) for request in requests]  # type: ignore[misc]

    def waits(self) -> list[StudyKey]:
        state = pending.read(self.warehouse)
        return [row.study for row in state.rows] if state else []


def test_from_journal_to_requests_to_done(tmp_path: Path) -> None:
    place = Place(tmp_path, max_partitions_per_run=2)
    assert (list(place.tick()), figures(place.told)) == ([], [])
    entry = place.notice(B, A, C, change="removed")
    requests = place.tick()
    assert place.spans(requests) == [("p1/s1", "p1/s2", "2"), ("p1/s3", "p1/s3", "1")]
    assert list(place.instance.get_dynamic_partitions(NAME)) == ["p1/s1", "p1/s2", "p1/s3"]
    assert {r.job_name for r in requests} == {"ingest_job"}
    assert pending.dispatched_entries(place.warehouse) == {entry}
    assert place.waits() == [A, B, C], "they wait until their runs are seen"

    runs = place.launch(*requests)
    assert (list(place.tick()), place.waits()) == ([], [])
    for run in runs:
        place.instance.report_run_failed(run)
    assert (list(place.tick()), place.waits()) == ([], []), (
        "a run that failed was launched: it is not the dispatcher's any more"
    )


def test_requests_that_became_no_run_are_made_again_under_other_keys(tmp_path: Path) -> None:
    place = Place(tmp_path, max_partitions_per_run=1)
    place.notice(A, B)
    lost = place.tick()
    place.launch(lost[0])
    again = place.tick()
    assert place.spans(again) == [("p1/s2", "p1/s2", "1")]
    assert not {r.run_key for r in lost} & {r.run_key for r in again}
    place.launch(*again)
    assert (list(place.tick()), place.waits()) == ([], [])


def test_a_study_that_grows_rests_first_and_one_in_a_run_waits_for_its_end(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.notice(A)
    (run,) = place.launch(*place.tick())
    place.notice(A)
    place.notice(B, observed=datetime.now(UTC) + timedelta(seconds=5))
    assert list(place.tick()) == []
    assert figures(place.told) == [60, 1, 1], "the seconds of settling, a study that settles, one that waits for its run"
    place.instance.report_run_failed(run)
    assert place.spans(place.tick()) == [("p1/s1", "p1/s1", "1")]


def test_a_study_in_a_backfills_run_waits_too_and_that_run_takes_no_place_of_ours(tmp_path: Path) -> None:
    place = Place(tmp_path, max_runs_in_flight=1)
    place.notice(A, B)
    register(place.instance, [A, B])
    span = {"dagster/asset_partition_range_start": "p1/s1", "dagster/asset_partition_range_end": "p1/s1"}
    create_run_for_test(place.instance, job_name="__ASSET_JOB", tags=span, status=dg.DagsterRunStatus.STARTED)
    assert place.spans(place.tick()) == [("p1/s2", "p1/s2", "1")]
    assert place.waits() == [A, B]


def test_only_so_many_runs_are_in_flight(tmp_path: Path) -> None:
    place = Place(tmp_path, max_partitions_per_run=1, max_runs_in_flight=2)
    place.notice(*STUDIES)
    requests = place.tick()
    assert place.spans(requests) == [("p1/s1", "p1/s1", "1"), ("p1/s2", "p1/s2", "1")]
    first, _ = place.launch(*requests)
    assert list(place.tick()) == []
    assert figures(place.told) == [2, 3]
    place.instance.report_run_failed(first)
    assert place.spans(place.tick()) == [("p1/s3", "p1/s3", "1")]


def test_the_state_is_written_only_when_it_changes_and_forgets_entries_that_are_gone(tmp_path: Path) -> None:
    place = Place(tmp_path)
    entry = place.notice(A)
    place.launch(*place.tick())
    place.tick()
    before = place.warehouse.store.info(pending.PATH).etag
    place.tick()
    assert place.warehouse.store.info(pending.PATH).etag == before
    journal.remove(place.warehouse, [entry])
    place.tick()
    assert pending.dispatched_entries(place.warehouse) == set()


@pytest.mark.parametrize("status", ["running", "stopped"])
def test_a_setting_says_whether_it_runs_from_the_start(tmp_path: Path, status: str) -> None:
    settings = settings_in(tmp_path / "landing", tmp_path).model_copy(update={"sensors": status})
    sensor = build_definitions(settings).get_repository_def().get_sensor_def("ingest_sensor")
    assert sensor.default_status == dg.DefaultSensorStatus[status.upper()]
    assert sensor.minimum_interval_seconds == 15


def test_a_run_that_died_and_was_to_be_retried_and_was_not_is_dispatched_again_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_sensor, "RETRY_TIME", timedelta(seconds=-60))
    place = Place(tmp_path)
    place.notice(A, B)
    (run,) = place.launch(*place.tick())
    place.tick()
    place.instance.report_run_failed(run)
    place.instance.add_run_tags(run.run_id, {"dagster/will_retry": "true"})
    requests = place.tick()
    assert place.spans(requests) == [("p1/s1", "p1/s2", "2")]
    place.launch(*requests)
    assert (list(place.tick()), place.waits()) == ([], [])
