"""A step that is told to stop: on ECS it asks to be started again, elsewhere it stops."""

from __future__ import annotations

import dagster as dg
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError

from medsearch_pipeline.retries import Retries
from medsearch_pipeline.settings import Settings


def interrupted(context: dg.AssetExecutionContext) -> None:
    raise DagsterExecutionInterruptedError


def test_on_ecs_it_is_to_be_started_again() -> None:
    settings = Settings(executor="ecs", step_retries=2, ecs_restarts=7, ecs_restart_seconds=40)
    with pytest.raises(dg.RetryRequested) as asked:
        Retries.of(settings).step(interrupted)(dg.build_asset_context())
    assert asked.value.max_retries == 7
    assert asked.value.seconds_to_wait is not None
    assert 20 <= asked.value.seconds_to_wait <= 60


@pytest.mark.parametrize("executor", ["in_process", "multiprocess"])
def test_elsewhere_who_tells_it_to_stop_means_it(executor: str) -> None:
    with pytest.raises(DagsterExecutionInterruptedError):
        Retries.of(Settings(executor=executor)).step(interrupted)(dg.build_asset_context())


def test_what_a_step_raises_otherwise_is_not_tried_again_on_ecs() -> None:
    def fails(context: dg.AssetExecutionContext) -> None:
        raise ValueError("a wrong setting")

    with pytest.raises(ValueError, match="a wrong setting"):
        Retries.of(Settings(executor="ecs")).step(fails)(dg.build_asset_context())
