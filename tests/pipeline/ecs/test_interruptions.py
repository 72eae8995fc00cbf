"""A step that is told to stop: on ECS it is started again, elsewhere it stops."""

import dagster as dg
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError

from medsearch_pipeline.orchestration.retries import Retries
from medsearch_pipeline.settings import Settings

TO_BE_RETRIED = dg.DagsterEventType.STEP_UP_FOR_RETRY


def asset_raising(settings: Settings, *faults: BaseException) -> tuple[dg.AssetsDefinition, list[int]]:
    """An asset that raises one fault a try, and then succeeds; and the tries that began."""
    tries: list[int] = []

    def body(context: dg.AssetExecutionContext) -> None:
        tries.append(context.retry_number)
        if len(tries) <= len(faults):
            raise faults[len(tries) - 1]

    return dg.asset(name="told")(Retries.of(settings).step(body)), tries


def test_on_ecs_it_is_started_again() -> None:
    told, tries = asset_raising(Settings(executor="ecs", ecs_restart_seconds=0), DagsterExecutionInterruptedError())
    done = dg.materialize([told])
    assert done.success
    assert tries == [0, 1]
    assert [e.step_key for e in done.all_events if e.event_type == TO_BE_RETRIED] == ["told"]


def test_on_ecs_it_is_started_again_so_often_and_no_more() -> None:
    interrupts = [DagsterExecutionInterruptedError() for _ in range(5)]
    told, tries = asset_raising(Settings(executor="ecs", ecs_restarts=2, ecs_restart_seconds=0), *interrupts)
    assert not dg.materialize([told], raise_on_error=False).success
    assert tries == [0, 1, 2]


@pytest.mark.parametrize("executor", ["in_process", "multiprocess"])
def test_elsewhere_who_tells_it_to_stop_means_it(executor: str) -> None:
    told, tries = asset_raising(Settings(executor=executor), DagsterExecutionInterruptedError())
    with pytest.raises(DagsterExecutionInterruptedError):
        dg.materialize([told])
    assert tries == [0]


def test_what_a_step_raises_otherwise_is_not_tried_again_on_ecs() -> None:
    told, tries = asset_raising(Settings(executor="ecs", ecs_restart_seconds=0), ValueError("a wrong setting"))
    assert not dg.materialize([told], raise_on_error=False).success
    assert tries == [0]
