"""A backfill on ECS, whose every task is a process: where steps ran, and what came of shortage, interruption and cancelling."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import dagster as dg
import pytest

from medsearch_core.keys import StudyKey
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.jobs import UPKEEP_JOBS
from tests.pipeline.ecs.deployment import GPU_FAMILY, GPU_PROVIDER, RUN_FAMILY
from tests.pipeline.ecs.ecs_fixtures import LOGS, EcsWorld
from tests.support.ecs_double.task import Task
from tests.support.landing import land_study

STUDIES = [StudyKey("p10000001", f"s5000{n:04d}") for n in range(10)]
ASSETS = UPKEEP_JOBS["ingest_job"]
STEPS = ("dicom_images", "report_entities", "embeddings", "search_index")
EXITED = "EssentialContainerExited"
FINISHED = (dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, s3_endpoint: str) -> Iterator[EcsWorld]:
    """A deployment whose studies have landed and are known."""
    with EcsWorld(tmp_path_factory.mktemp("ecs"), s3_endpoint) as world:
        for study in STUDIES:
            land_study(world.landing, study)
        take_inventory = build_definitions(world.settings).resolve_job_def("inventory_job").execute_in_process
        assert take_inventory(instance=world.instance).success
        world.processes.wait_until("webserver", world.client.is_ready)
        yield world


def test_steps_that_ecs_has_no_room_for_or_takes_away_are_started_again_and_go_on(world: EcsWorld) -> None:
    double = world.double
    double.take_gpus_away(requests=2)
    world.client.launch_backfill(ASSETS)
    world.start_daemon()  # which looks for backfills at once, and then every half minute
    world.wait_until("a GPU task", lambda: bool(world.tasks_of("embeddings")))
    assert double.refusals == [("embeddings", "RESOURCE:GPU")] * 2
    (first,) = world.tasks_of("embeddings")
    world.wait_until("a study's vectors", lambda: bool(vectors(world)) or first.is_over)
    double.interrupt(first)
    assert first.wait(300)
    before = vectors(world)
    assert 1 <= len(before) < len(STUDIES)
    world.wait_until("an indexing task", lambda: bool(world.tasks_of("search_index")))
    world.tasks_of("search_index")[0].lose_host()
    world.wait_until("the end of the run", lambda: the_backfills(world).is_finished)

    run = the_backfills(world)
    assert run.status == dg.DagsterRunStatus.SUCCESS, world.told()
    world.wait_until("the end of its tasks", lambda: all(task.is_over for task in double.tasks))
    ends = {step: [task.stop_code for task in world.tasks_of(step)] for step in STEPS}
    assert ends == {
        "dicom_images": [EXITED],
        "report_entities": [EXITED],
        "embeddings": ["SpotInterruption", EXITED],
        "search_index": ["TerminationNotice", EXITED],
    }
    refused = len(double.refusals)  # more where the GPU of the interrupted task was not free at once
    retried = [e.step_key for e in world.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_UP_FOR_RETRY)]
    assert retried == [*["embeddings"] * (refused + 1), "search_index"]
    assert outcome(world, run, "embeddings")["run_unchanged"] == len(before)
    after = vectors(world)
    assert {path: after[path] for path in before} == before  # what was finished was not written again

    for asset in ASSETS:
        assert world.instance.get_materialized_partitions(dg.AssetKey(asset)) == {s.partition for s in STUDIES}
    health = world.index().health()
    assert (health.images, health.reports, health.studies) == (len(STUDIES),) * 3
    assert [r.status for r in world.instance.get_runs()] == [dg.DagsterRunStatus.SUCCESS] * 2


def test_each_task_had_its_own_size_and_place(world: EcsWorld) -> None:
    def where(task: Task) -> tuple[str, str, int, int, int]:
        return task.wanted.provider, task.definition["family"], task.wanted.cpu, task.wanted.memory, task.wanted.gpus

    assert {where(t) for t in world.tasks_of("")} == {("FARGATE", RUN_FAMILY, 512, 2048, 0)}
    for step in ("dicom_images", "report_entities", "search_index"):
        assert {where(t) for t in world.tasks_of(step)} == {("FARGATE_SPOT", RUN_FAMILY, 2048, 8192, 0)}
    assert {where(t) for t in world.tasks_of("embeddings")} == {(GPU_PROVIDER, GPU_FAMILY, 4096, 14_336, 1)}
    assert {t.tags["dagster/run_id"] for t in world.tasks_of("embeddings")} == {the_backfills(world).run_id}


def test_what_tasks_print_is_in_the_bucket(world: EcsWorld, s3_endpoint: str) -> None:
    kept = boto3.client("s3", endpoint_url=s3_endpoint).list_objects_v2(Bucket=LOGS)["Contents"]
    assert any(o["Key"].startswith(f"dagster/storage/{the_backfills(world).run_id}/compute_logs/") for o in kept)


def test_cancelling_a_run_stops_its_tasks_and_starts_none_again(world: EcsWorld) -> None:
    so_far = len(world.double.tasks)
    run_id = world.launch("ingest_job", STUDIES[0], STUDIES[-1])
    world.wait_until("two steps", lambda: len(started_steps(world, run_id)) == 2)
    world.terminate(run_id)
    run, *steps = world.double.tasks[so_far:]
    assert {step.tags["dagster/step-key"] for step in steps} == {"dicom_images", "report_entities"}
    for task in (run, *steps):
        assert task.wait(300), task.arn
        assert task.stop_code == "UserInitiated"
    world.wait_until("the end of the run", lambda: status_of(world, run_id) in FINISHED)
    assert status_of(world, run_id) == dg.DagsterRunStatus.CANCELED, world.told()
    world.wait_until("free places in pools", lambda: not taken_places(world))
    assert len(world.double.tasks) == so_far + 3


def test_a_run_whose_own_task_is_lost_is_launched_again_and_finds_its_work_done(world: EcsWorld) -> None:
    so_far = len(world.double.tasks)
    lost = world.launch("reindex_job", STUDIES[0], STUDIES[-1])
    world.wait_until("a step", lambda: bool(started_steps(world, lost)))
    world.double.tasks[so_far].lose_host()
    world.wait_until("its failure", lambda: status_of(world, lost) == dg.DagsterRunStatus.FAILURE)
    world.wait_until("another run", lambda: bool(retries_of(world, lost)))
    (again,) = retries_of(world, lost)
    world.wait_until("its end", lambda: status_of(world, again.run_id) in FINISHED)
    assert status_of(world, again.run_id) == dg.DagsterRunStatus.SUCCESS, world.told()
    assert outcome(world, again, "search_index")["run_studies_written"] == 0
    world.wait_until("free places in pools", lambda: not taken_places(world))


def retries_of(world: EcsWorld, run_id: str) -> list[dg.DagsterRun]:
    return [run for run in world.instance.get_runs() if run.parent_run_id == run_id]


def the_backfills(world: EcsWorld) -> dg.DagsterRun:
    """The one run of the backfill."""
    (run,) = (r for r in world.instance.get_runs() if "dagster/backfill" in r.tags)
    return run


def vectors(world: EcsWorld) -> dict[str, int]:
    """When the vectors of each finished study were written, in nanoseconds."""
    return {str(p): p.stat().st_mtime_ns for p in Path(world.settings.warehouse, "embeddings").rglob("*.parquet")}


def outcome(world: EcsWorld, run: dg.DagsterRun, asset: str) -> dict[str, object]:
    """What a step said of all its studies together."""
    outputs = world.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_OUTPUT)
    described = [o.get_dagster_event().step_output_data.metadata for o in outputs if o.step_key == asset]
    (told,) = [metadata for metadata in described if "run_images" in metadata]
    return {name: value.value for name, value in told.items()}


def started_steps(world: EcsWorld, run_id: str) -> list[dg.EventLogEntry]:
    return list(world.instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_WORKER_STARTING))


def status_of(world: EcsWorld, run_id: str) -> dg.DagsterRunStatus:
    run = world.instance.get_run_by_id(run_id)
    assert run
    return run.status


def taken_places(world: EcsWorld) -> int:
    storage = world.instance.event_log_storage
    return sum(storage.get_concurrency_info(pool).active_slot_count for pool in storage.get_concurrency_keys())
