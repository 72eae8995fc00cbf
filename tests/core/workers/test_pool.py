"""Worker processes: results in order, bounded work ahead, and whatever an item does to its process, the next goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path

import psutil
import pytest

from medsearch_core.errors import ConfigurationError
from medsearch_core.workers.limits import ItemFailure, Limits
from medsearch_core.workers.pool import Workers
from medsearch_core.workers.process import WorkerServer
from tests.support.deadly_items import (
    CRASH,
    FILL,
    HANG,
    KILLED,
    RAISE,
    WAIT,
    endless,
    environment_of,
    once_deadly,
    squares,
)
from tests.support.waiting import wait_until

SERVER = WorkerServer(["tests.support.deadly_items"])
LIMITS = Limits(seconds=60, bytes=2**30)


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    made = Workers(2, LIMITS, SERVER)
    yield made
    made.close()


def test_results_come_in_order_from_other_processes(workers: Workers) -> None:
    found = list(workers.map(squares, range(40), chunk=3, ahead=12))
    assert [(item, result[0]) for item, result in found if not isinstance(result, ItemFailure)] == [
        (n, n * n) for n in range(40)
    ]
    processes = {result[1] for _, result in found if not isinstance(result, ItemFailure)}
    assert 1 <= len(processes) <= 2
    assert os.getpid() not in processes


@pytest.mark.parametrize(
    ("deadly", "is_items_fault"),
    [
        pytest.param(CRASH, True, id="crash"),
        pytest.param(HANG, True, id="hang"),
        pytest.param(FILL, True, id="memory"),
        pytest.param(WAIT, False, id="waits for a store"),
        pytest.param(KILLED, False, id="killed by the kernel"),
    ],
)
def test_an_item_that_a_worker_dies_over_is_lost_alone(deadly: int, is_items_fault: bool) -> None:
    workers = Workers(2, LIMITS, SERVER)
    items = [1, 2, deadly, 3, 4, 5]
    found = list(workers.map(squares, items, chunk=4, ahead=8))
    workers.close()
    assert [item for item, _ in found] == items
    lost = ItemFailure(LIMITS, is_items_fault)
    assert [result if isinstance(result, ItemFailure) else result[0] for _, result in found] == [1, 4, lost, 9, 16, 25]


def test_dead_workers_leave_no_descriptors_behind() -> None:
    workers = Workers(1, LIMITS, SERVER)
    open_files = []
    for _ in range(6):
        assert [result for _, result in workers.map(squares, [CRASH], 1, 1)] == [ItemFailure(LIMITS, True)]
        assert [result[0] for _, result in workers.map(squares, [3], 1, 1) if not isinstance(result, ItemFailure)] == [9]
        open_files.append(psutil.Process().num_fds())
    workers.close()
    assert open_files[-1] <= open_files[0] + 4  # a pool's own, that is not yet collected


def test_an_item_is_not_lost_of_one_death_that_may_have_been_the_machines(workers: Workers, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "abc"]
    for path in paths[:2]:
        path.touch()
    assert [result for _, result in workers.map(once_deadly, paths, chunk=3, ahead=3)] == ["a", "b", "c"]


def test_what_the_function_raises_is_raised_here(workers: Workers) -> None:
    with pytest.raises(ValueError, match="not a number"):
        list(workers.map(squares, [1, RAISE, 2], chunk=1, ahead=2))
    assert [result[0] for _, result in workers.map(squares, [3], 1, 1) if not isinstance(result, ItemFailure)] == [9]


@pytest.mark.parametrize(("chunk", "ahead", "most"), [(1, 4, 4), (3, 7, 6), (5, 2, 5)])
def test_no_more_items_are_taken_than_may_be_ahead(workers: Workers, chunk: int, ahead: int, most: int) -> None:
    taken = 0

    def counted() -> Iterator[int]:
        nonlocal taken
        for number in range(30):
            taken += 1
            yield number

    for given, _ in enumerate(workers.map(squares, counted(), chunk, ahead)):
        assert taken - given <= most


def test_a_worker_has_the_environment_that_its_owner_had_when_it_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "hospital")
    workers = Workers(1, LIMITS, SERVER)
    assert [result for _, result in workers.map(environment_of, ["AWS_PROFILE"], 1, 1)] == ["hospital"]
    workers.close()


def test_workers_that_cannot_be_started_are_a_fault_of_the_settings_and_of_no_item() -> None:
    workers = Workers(1, Limits(seconds=1, bytes=2**70), SERVER)  # more than any system lets a process ask for
    with pytest.raises(ConfigurationError, match="GiB"):
        list(workers.map(squares, [1], 1, 1))
    workers.close()


def test_closing_ends_a_worker_in_the_middle_of_an_item(tmp_path: Path) -> None:
    workers = Workers(1, Limits(seconds=3600, bytes=2**30, wall_seconds=3600), SERVER)
    ((_, result),) = workers.map(squares, [3], 1, 1)
    assert not isinstance(result, ItemFailure)

    def wait() -> None:
        with pytest.raises(CancelledError):
            list(workers.map(endless, [tmp_path / "begun"], 1, 1))

    waits = threading.Thread(target=wait)
    waits.start()
    worker = psutil.Process(result[1])
    wait_until("it is in the middle of its item", (tmp_path / "begun").exists, 300, every=0.05)
    workers.close()
    waits.join(300)
    assert not waits.is_alive()
    assert not worker.is_running()


def test_workers_end_with_their_owner_however_it_ends() -> None:
    code = """
import os, signal
from medsearch_core.workers.limits import Limits
from medsearch_core.workers.pool import Workers
from medsearch_core.workers.process import WorkerServer
from tests.support.deadly_items import squares
found = [result[1] for _, result in Workers(2, Limits(9, 2**30), WorkerServer([])).map(squares, range(9), 1, 9)]
print(*{*found}, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    assert ended.returncode == -signal.SIGKILL
    workers = [int(pid) for pid in ended.stdout.split()]
    assert workers
    wait_until("the workers end", lambda: not any(psutil.pid_exists(pid) for pid in workers), 300, every=0.1)
