"""Every step says in what task it runs, and no step's task is another's: dagster-aws's own executor code against the
double."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.execution.api import create_execution_plan
from dagster._core.execution.plan.step import ExecutionStep
from dagster._core.executor.step_delegating import StepHandlerContext
from dagster._core.utils import make_new_run_id
from dagster._grpc.types import ExecuteStepArgs
from dagster_aws.ecs.container_context import EcsContainerContext
from pydantic import ValidationError

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.ecs.executor import StepTasks
from medsearch_pipeline.ecs.launcher import EcsLauncher
from medsearch_pipeline.ecs.step_tags import gpu_step_tags, study_step_tags, whole_step_tags
from medsearch_pipeline.settings import Settings
from tests.pipeline.ecs.deployment import CLUSTER, CONTAINER, GPU_FAMILY, GPU_PROVIDER, LAUNCHER, ORIGIN, RUN_FAMILY
from tests.support.ecs_double.server import EcsDouble
from tests.support.ingest import local_instance

SETTINGS = Settings(
    executor="ecs",
    model="efficientnet_lite0",
    ecs_capacity_provider="FARGATE_SPOT",
    ecs_gpu_capacity_provider=GPU_PROVIDER,
    ecs_gpu_task_definition=GPU_FAMILY,
    ecs_ephemeral_storage=40,
)
GPU_TASK = (GPU_PROVIDER, GPU_FAMILY, 4096, 14_336, 1)
STUDY_TASK = ("FARGATE_SPOT", RUN_FAMILY, 2048, 8192, 0)


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


@pytest.fixture
def launcher(ecs: EcsDouble, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> EcsLauncher:
    """The launcher, in a process that is a task."""
    monkeypatch.setenv("ECS_CONTAINER_METADATA_URI_V4", ecs.adopt(RUN_FAMILY))
    given = {
        "task_definition": LAUNCHER["DAGSTER_ECS_TASK_DEFINITION"],
        "container_name": CONTAINER,
        "cluster": CLUSTER,
        "subnets": LAUNCHER["DAGSTER_ECS_SUBNETS"],
        "security_groups": LAUNCHER["DAGSTER_ECS_SECURITY_GROUPS"],
        "capacity_provider": "FARGATE",
        "run_resources": {"cpu": "512", "memory": "2048"},
    }
    made = EcsLauncher.from_config_value(None, given)
    instance._run_launcher = made
    made.register_instance(instance)
    return made


def steps_of(job: dg.JobDefinition) -> dict[str, ExecutionStep]:
    steps = create_execution_plan(job).get_all_steps_in_topo_order()
    return {step.key: step for step in steps if isinstance(step, ExecutionStep)}


def launched(
    launcher: EcsLauncher, instance: dg.DagsterInstance, ecs: EcsDouble, steps: Sequence[ExecutionStep]
) -> list[tuple[str, str, int, int, int]]:
    """The tasks of steps that one run launches one after the other: provider, family, CPU units, MiB, GPUs."""
    ecs.tasks[:] = ecs.tasks[:1]
    tasks, run = StepTasks(launcher), dg.DagsterRun(job_name="ingest_job", run_id=make_new_run_id())
    for step in steps:
        arguments = ExecuteStepArgs(ORIGIN, run.run_id, [step.key])
        context = StepHandlerContext(instance, None, [step], arguments, run)  # type: ignore[arg-type]
        asked = tasks._get_run_task_kwargs(
            run, ["dagster"], step.key, step.tags, context, EcsContainerContext.create_for_run(run, launcher)
        )
        tasks._run_task(**asked)
    return [(t.wanted.provider, t.definition["family"], t.wanted.cpu, t.wanted.memory, t.wanted.gpus) for t in ecs.tasks[1:]]


def test_installed_dagster_aws_leaks_a_step_without_run_task_arguments_into_the_next(
    launcher: EcsLauncher, instance: dg.DagsterInstance, ecs: EcsDouble
) -> None:
    """Why every step has all tags. Once this fails, dagster-aws does not leak any more, and ADR 18 may be revised."""

    @dg.op(tags={"ecs/cpu": "1024", "ecs/memory": "4096"})
    def sized() -> None: ...

    @dg.op
    def bare() -> None: ...

    @dg.job
    def both() -> None:
        sized()
        bare()

    steps = steps_of(both)
    (alone,) = launched(launcher, instance, ecs, [steps["bare"]])
    _, after = launched(launcher, instance, ecs, [steps["sized"], steps["bare"]])
    assert alone == ("FARGATE", RUN_FAMILY, 512, 2048, 0)
    assert after == ("FARGATE", RUN_FAMILY, 1024, 4096, 0)


def test_each_step_of_ingestion_has_its_own_task_in_whatever_order(
    launcher: EcsLauncher, instance: dg.DagsterInstance, ecs: EcsDouble
) -> None:
    steps = steps_of(build_definitions(SETTINGS).resolve_job_def("ingest_job"))
    assert set(steps) == {"dicom_images", "embeddings", "report_entities", "search_index"}
    for order in permutations(steps):
        tasks = launched(launcher, instance, ecs, [steps[key] for key in order])
        assert tasks == [GPU_TASK if key == "embeddings" else STUDY_TASK for key in order]


def test_two_tries_of_the_gpu_step_with_others_between_are_alike(
    launcher: EcsLauncher, instance: dg.DagsterInstance, ecs: EcsDouble
) -> None:
    steps = steps_of(build_definitions(SETTINGS).resolve_job_def("ingest_job"))
    ecs.providers[GPU_PROVIDER] = None  # room for both
    order = ["embeddings", "search_index", "embeddings", "report_entities"]
    tasks = launched(launcher, instance, ecs, [steps[key] for key in order])
    assert tasks == [GPU_TASK, STUDY_TASK, GPU_TASK, STUDY_TASK]


def test_no_op_of_any_job_is_without_its_tags() -> None:
    repository = build_definitions(SETTINGS).get_repository_def()
    needed = {"ecs/cpu", "ecs/memory", "ecs/run_task_kwargs"}
    found = {(job.name, node.name): node.definition.tags for job in repository.get_all_jobs() for node in job.nodes}
    assert len(found) > 20
    assert {where for where, tags in found.items() if not needed <= tags.keys()} == set()
    wants_gpu = {name for (_, name), tags in found.items() if "ecs/container_overrides" in tags}
    assert wants_gpu == {"embeddings"}
    steady = {name for (_, name), tags in found.items() if tags == whole_step_tags(SETTINGS)}
    assert steady == {
        "inventory",
        "inventory_dagster_storage_is_adequate",
        "catalogue",
        "ledger",
        "ledger_events_hold_no_patient_data",
        "prune",
    }


def test_off_ecs_there_are_no_such_tags_and_the_executor_is_the_settings() -> None:
    settings = Settings(model="efficientnet_lite0", ecs_gpu_capacity_provider=GPU_PROVIDER)
    assert gpu_step_tags(settings) == study_step_tags(settings) == whole_step_tags(settings) == {}
    assert build_definitions(settings).resolve_job_def("ingest_job").executor_def is dg.in_process_executor
    processes = settings.model_copy(update={"executor": "multiprocess"})
    assert build_definitions(processes).resolve_job_def("prune_job").executor_def is dg.multiprocess_executor


def test_without_gpus_embeddings_run_as_the_others_do() -> None:
    settings = SETTINGS.model_copy(update={"ecs_gpu_capacity_provider": None})
    assert gpu_step_tags(settings) == study_step_tags(settings)
    assert json.loads(study_step_tags(settings)["ecs/run_task_kwargs"]) == {
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    }


@pytest.mark.parametrize(
    ("size", "says"),
    [
        ({"ecs_cpu": 1000}, "no tasks of 1000 CPU units: give one of 256, 512"),
        ({"ecs_cpu": 4096, "ecs_memory": 4096}, "4096 CPU units give one of 8192, 9216, ... 30720 MiB"),
    ],
)
def test_a_size_that_fargate_has_not_is_refused_at_start(size: Mapping[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Settings(**size)


def test_an_ecs_executor_without_ecs_tells_what_to_do(tmp_path: Path) -> None:
    job = dg.reconstructable(prune_job_on_ecs)
    with (
        local_instance(tmp_path) as instance,
        pytest.raises(ConfigurationError, match=r"MEDSEARCH_EXECUTOR=ecs.*docker/dagster\.ecs\.yaml"),
    ):
        dg.execute_job(job, instance, raise_on_error=True)


def prune_job_on_ecs() -> dg.JobDefinition:
    return build_definitions(SETTINGS).resolve_job_def("prune_job")
