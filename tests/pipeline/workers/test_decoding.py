"""The workers of a run, which is a child of Dagster's processes."""

from __future__ import annotations

from multiprocessing import get_context
from multiprocessing.context import ForkServerContext, SpawnContext

import psutil
import pytest

from tests.support.deadly_items import use_workers
from tests.support.waiting import wait_until


@pytest.mark.parametrize("context", [get_context("spawn"), get_context("forkserver")], ids=["spawn", "forkserver"])
def test_a_child_of_multiprocessing_that_used_the_workers_ends_with_all_of_its_own(
    context: SpawnContext | ForkServerContext,
) -> None:
    told = context.Queue()
    run = context.Process(target=use_workers, args=(told,))
    run.start()
    started = told.get(timeout=300)
    assert len(started) >= 2, "the worker and the process that it was forked from"
    run.join(300)
    assert run.exitcode == 0
    wait_until("what it started ends", lambda: not any(psutil.pid_exists(pid) for pid in started), 300, every=0.1)
