"""The executor that runs each step as an ECS task: dagster-aws's, extended to restart steps whose task ECS took away.

dagster-aws fails the run if RunTask finds no capacity, and fails the step if its task dies, unless the op has a retry policy.
But a policy would also retry errors that the step raises, such as bad settings. Only this process can tell them apart.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.executor_definition import multiple_process_executor_requirements
from dagster._core.events import EngineEventData
from dagster._core.execution.context.system import IStepContext
from dagster._core.execution.plan.objects import StepRetryData
from dagster._core.execution.plan.state import KnownExecutionState
from dagster._core.execution.retries import RetryMode, get_retries_config
from dagster._core.executor.step_delegating import CheckStepHealthResult, StepDelegatingExecutor, StepHandlerContext
from dagster._core.launcher import RunLauncher
from dagster._utils.error import SerializableErrorInfo
from dagster_aws.ecs import EcsRunLauncher
from dagster_aws.ecs.executor import EcsStepHandler

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.ecs.stopped_tasks import account_of, has_no_room, is_to_start_again
from medsearch_pipeline.orchestration.retries import Retries
from medsearch_pipeline.settings import Settings

UNSEEN_SECONDS = 60.0
"""How long DescribeTasks may not find a task that RunTask has started: ECS is eventually consistent."""

LAST_WORDS = {
    dg.DagsterEventType.STEP_SUCCESS,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.STEP_UP_FOR_RETRY,
    dg.DagsterEventType.STEP_SKIPPED,
}


def build_ecs_executor(settings: Settings) -> dg.ExecutorDefinition:
    """The executor of a deployment on ECS. Task sizes come from the steps' tags, so run config has none."""
    schema: dict[str, Any] = {
        "retries": get_retries_config(),
        "max_concurrent": dg.Field(
            dg.IntSource, is_required=False, description="Maximum concurrent steps of one run. Pools limit them across runs."
        ),
    }

    @dg.executor(name="ecs", config_schema=schema, requirements=multiple_process_executor_requirements())
    def ecs(init_context: dg.InitExecutorContext) -> EcsExecutor:
        launcher = ecs_launcher(init_context.instance.run_launcher)
        config: Mapping[str, Any] = init_context.executor_config
        return EcsExecutor(
            StepTasks(launcher),
            Retries(settings.ecs_restarts, settings.ecs_restart_seconds),
            retries=RetryMode.from_config(config["retries"]) or RetryMode.ENABLED,
            max_concurrent=config.get("max_concurrent"),
            check_step_health_interval_seconds=settings.ecs_check_seconds,
            should_verify_step=True,
        )

    return ecs


def ecs_launcher(launcher: RunLauncher) -> EcsRunLauncher:
    """The launcher, if it launches ECS tasks.

    Raises:
        ConfigurationError: it does not.
    """
    if not isinstance(launcher, EcsRunLauncher):
        raise ConfigurationError(
            f"MEDSEARCH_EXECUTOR=ecs requires runs that are ECS tasks, but {type(launcher).__name__} launched this run:  "
            "copy docker/dagster.ecs.yaml to $DAGSTER_HOME/dagster.yaml, or set MEDSEARCH_EXECUTOR=in_process or multiprocess"
        )
    return launcher


class StepTasks(EcsStepHandler):
    """Starts, watches and stops the tasks of a run's steps, and records which were lost and may be restarted."""

    def __init__(self, launcher: EcsRunLauncher) -> None:
        super().__init__(launcher, run_task_kwargs=None, cpu=None, memory=None, ephemeral_storage=None, task_overrides=None)
        self._started: dict[str, float] = {}
        self._lost: dict[str, str] = {}

    def launch_step(self, step_handler_context: StepHandlerContext) -> Iterator[dg.DagsterEvent]:
        """Starts a step's task. Without capacity, the step counts as lost, and the next health check reports it."""
        step = self._get_step_id(step_handler_context)
        self._started[step] = time.monotonic()
        try:
            yield from super().launch_step(step_handler_context)
        except Exception as error:
            if not has_no_room(str(error)):
                raise
            self._lost[step] = f"no capacity for its task: {error}"
            context = step_handler_context.get_step_context(self._get_step_key(step_handler_context))
            yield dg.DagsterEvent.engine_event(context, f"{context.step.key}: {self._lost[step]}", EngineEventData())

    def check_step_health(self, step_handler_context: StepHandlerContext) -> CheckStepHealthResult:
        """Whether a step's task is alive or has reported its outcome."""
        step = self._get_step_id(step_handler_context)
        if step in self._lost:
            return CheckStepHealthResult.unhealthy(self._lost[step])
        arn = self._launched_tasks[step]
        tasks = self.ecs.describe_tasks(tasks=[arn], cluster=self._cluster_arn)["tasks"]
        if not tasks:
            if time.monotonic() - self._started[step] < UNSEEN_SECONDS:
                return CheckStepHealthResult.healthy()
            self._lost[step] = f"ECS no longer knows task {arn}"
            return CheckStepHealthResult.unhealthy(self._lost[step])
        if tasks[0]["lastStatus"] != "STOPPED" or self._has_reported(step_handler_context):
            return CheckStepHealthResult.healthy()
        account = account_of(tasks[0])
        if is_to_start_again(tasks[0]):
            self._lost[step] = account
        return CheckStepHealthResult.unhealthy(account)

    def terminate_step(self, step_handler_context: StepHandlerContext) -> Iterator[dg.DagsterEvent]:  # type: ignore[override]
        """Stops a step's task. dagster-aws 0.29 returns None here, so the executor would fail before the next step."""
        super().terminate_step(step_handler_context)
        return iter(())

    def is_lost(self, step_key: str, attempts: int) -> bool:
        """Whether ECS took away this attempt's task or had no capacity for it."""
        return f"{step_key}-{attempts}" in self._lost

    def _has_reported(self, step_handler_context: StepHandlerContext) -> bool:
        """Whether the step's process reported its outcome before it ended. That outcome counts, and arrives with the
        events."""
        key, run = self._get_step_key(step_handler_context), step_handler_context.dagster_run
        records = step_handler_context.instance.get_records_for_run(run.run_id, of_type=LAST_WORDS).records
        reported = sum(record.event_log_entry.step_key == key for record in records)
        state = step_handler_context.execute_step_args.known_state
        return reported > (state.get_retry_state().get_attempt_count(key) if state else 0)


class EcsExecutor(StepDelegatingExecutor):
    """Restarts lost steps a limited number of times; otherwise behaves like Dagster's executor."""

    def __init__(self, tasks: StepTasks, restarts: Retries, **given: Any) -> None:
        super().__init__(tasks, **given)
        self._tasks, self._restarts = tasks, restarts

    def log_failure_or_retry_event_after_error(
        self, step_context: IStepContext, err_info: SerializableErrorInfo, known_state: KnownExecutionState
    ) -> dg.DagsterEvent:
        """Logs that a step will be retried, or that it failed."""
        key = step_context.step.key
        attempts = known_state.get_retry_state().get_attempt_count(key)
        if not self._tasks.is_lost(key, attempts) or self.retries.disabled or attempts >= self._restarts.max_retries:
            return super().log_failure_or_retry_event_after_error(step_context, err_info, known_state)
        return dg.DagsterEvent.step_retry_event(step_context, StepRetryData(err_info, self._restarts.wait(attempts)))
