"""One worker from its start to its end: what it answers, and how it can end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from functools import partial

import psutil
import pytest

from medsearch_core.errors import BadInput
from medsearch_core.workers.answers import JobFailed, raise_error
from medsearch_core.workers.child import Preparation
from medsearch_core.workers.limits import OUT_OF_MEMORY, TOO_LONG_AN_ANSWER
from medsearch_core.workers.process import WorkerEnded, WorkerServer, confined_server
from tests.support import confined_jobs as jobs
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def server() -> Iterator[WorkerServer]:
    server = confined_server(["tests.support.confined_jobs"])
    yield server
    server.close()


@pytest.mark.parametrize("count", [0, 1, 10**7])
def test_an_answer_is_as_long_as_it_is(worker, count):
    assert len(worker.call(partial(jobs.many, count))) == count


def test_a_worker_that_announces_more_than_it_may_is_killed(worker):
    process = psutil.Process(worker.pid)
    with pytest.raises(WorkerEnded) as end:
        worker.call(partial(jobs.many, 1001), max_bytes=1000)
    assert end.value.exit_code == TOO_LONG_AN_ANSWER
    assert not process.is_running()


@pytest.mark.parametrize(
    ("job", "code"),
    [
        pytest.param(jobs.abort, -signal.SIGABRT, id="crash"),
        pytest.param(jobs.loop, -signal.SIGPROF, id="processor time"),
        pytest.param(partial(jobs.allocate, 300), OUT_OF_MEMORY, id="memory"),
    ],
)
def test_its_exit_code_says_what_it_died_of(worker, job, code):
    with pytest.raises(WorkerEnded) as end:
        worker.call(job)
    assert end.value.exit_code == code


def test_its_memory_is_limited_in_addition_to_its_own(worker):
    assert worker.call(partial(jobs.allocate, 200)) == str(200 * 2**20).encode()


def test_a_job_that_is_given_up_ends_with_its_process(worker):
    process = psutil.Process(worker.pid)
    killer = threading.Timer(0.2, worker.kill)
    killer.start()
    with pytest.raises(WorkerEnded) as end:
        worker.call(jobs.wait)
    killer.join()
    assert end.value.exit_code == -signal.SIGKILL
    assert not process.is_running()


def test_a_projects_error_comes_as_it_was_raised_and_any_other_without_its_message(worker):
    with pytest.raises(BadInput) as refused:
        worker.call(jobs.refuse)
    assert (refused.value.reason, refused.value.detail, refused.value.frame) == ("undecodable_pixel_data", "no decoder", 3)
    with pytest.raises(JobFailed) as failed:
        worker.call(jobs.leak)
    assert str(failed.value) == "KeyError"


@pytest.mark.parametrize("answer", [b"", b"{", b"[]", b'{"error": 1}', b'{"error": "SystemExit", "text": "1"}'])
def test_an_error_that_a_worker_made_up_is_no_more_than_a_failure(answer):
    with pytest.raises(JobFailed):
        raise_error(answer)


def test_the_next_worker_comes_from_a_new_server_if_the_last_has_died():
    server = confined_server(["tests.support.confined_jobs"])
    first = server.start(Preparation(packages=["medsearch_core"]))
    parent = psutil.Process(first.pid).parent()
    assert parent is not None
    parent.kill()
    with pytest.raises(WorkerEnded):
        first.call(jobs.wait)
    wait_until("the server has ended", lambda: parent.status() == psutil.STATUS_ZOMBIE, 60, every=0.02)
    second = server.start(Preparation(packages=["medsearch_core"]))
    assert second.call(partial(jobs.many, 3)) == bytes(3)
    server.close()
    assert second.pid is not None
    wait_until("its workers end with it", lambda: not psutil.pid_exists(second.pid or 0), 60, every=0.02)
    with pytest.raises(OSError, match="closed"):
        server.start(Preparation())
