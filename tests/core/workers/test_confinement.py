"""What a confined worker has and may do, asked of real ones on this kernel."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from medsearch_core import errors
from medsearch_core.workers.child import Preparation
from medsearch_core.workers.process import WorkerProcess, WorkerServer, confined_server
from tests.support import confined_jobs as jobs

SECRETS = {"AWS_SECRET_ACCESS_KEY": "of the store", "MEDSEARCH_INDEX_PASSWORD": "of the index", "PGPASSWORD": "of Dagster"}


@pytest.fixture(scope="module")
def server() -> Iterator[WorkerServer]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SECRETS.items():
            patch.setenv(name, value)
        server = confined_server(["tests.support.confined_jobs"])
        server.start(Preparation(packages=["medsearch_core"])).ended()  # the server has this environment, if any
    yield server
    server.close()


def process_of(worker: WorkerProcess) -> psutil.Process:
    assert worker.pid is not None
    return psutil.Process(worker.pid)


def environment_of(process: psutil.Process) -> dict[str, str]:
    """As /proc has it; nothing for a process that other processes of its user may not look into."""
    try:
        return process.environ()
    except psutil.AccessDenied:
        return {}


def test_it_has_no_secret_in_its_environment_nor_has_the_process_that_forked_it(worker):
    own = json.loads(worker.call(jobs.environment))
    assert "PATH" in own
    process = process_of(worker)
    forked_by = process.parent()
    assert forked_by is not None
    for environment in (own, environment_of(process), environment_of(forked_by)):
        assert not SECRETS.keys() & environment.keys()
        assert not any(secret in value for value in environment.values() for secret in SECRETS.values())


def test_it_has_no_file_of_its_owner_but_those_that_it_was_sent(worker, tmp_path):
    (tmp_path / "owners").write_bytes(b"of the owner")
    with (tmp_path / "owners").open("rb"), socket.create_server(("127.0.0.1", 0)):
        descriptor = os.memfd_create("object")
        os.pwrite(descriptor, b"an object", 0)
        assert worker.call(jobs.read, [descriptor]) == b"an object"
        kinds = json.loads(worker.call(jobs.open_files)).values()
        assert sorted(kinds) == ["device"] * 3 + ["socket"], "nothing to read or to print to, and the channel"
        kinds = json.loads(worker.call(jobs.open_files, [os.memfd_create("object")])).values()
        assert sorted(kinds) == ["device"] * 3 + ["file", "socket"]


@pytest.mark.parametrize(
    ("layer", "deed"),
    [
        ("seccomp", ("connect", "{port}")),
        ("seccomp", ("pair",)),
        ("seccomp", ("fork",)),
        ("seccomp", ("execute",)),
        ("seccomp", ("kill", "{owner}")),
        ("seccomp", ("delete", "{file}")),
        ("seccomp", ("write", "{file}")),
        ("landlock", ("read", "{file}")),
        ("landlock", ("read", "/proc/{owner}/environ")),
        ("landlock", ("read", "/etc/hostname")),
    ],
    ids=lambda value: value[0] + value[-1] if isinstance(value, tuple) else value,
)
def test_it_reaches_nothing_outside_where_the_kernel_allows_to_forbid_it(worker, tmp_path, layer, deed):
    (tmp_path / "landed").write_bytes(b"an object")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        known = {"port": listening.getsockname()[1], "owner": os.getpid(), "file": tmp_path / "landed"}
        outcome = worker.call(partial(jobs.try_to, *(word.format(**known) for word in deed)))
    assert (outcome == b"PermissionError") == (layer not in worker.refused)
    assert (tmp_path / "landed").exists()


def test_it_still_imports_code(worker):
    assert worker.call(partial(jobs.try_to, "read", errors.__file__)) == b"done"


@pytest.mark.parametrize("packages", [None, ["medsearch_core"]], ids=["with credentials", "confined"])
def test_every_worker_gains_no_privileges_and_leaves_no_core_dump(server, packages):
    worker = server.start(Preparation(2**40, packages=packages))
    assert worker.refused is not None
    process = process_of(worker)
    assert "NoNewPrivs:\t1" in Path(f"/proc/{process.pid}/status").read_text()
    assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    worker.kill()
    worker.ended()


def test_a_process_that_hides_its_memory_cannot_be_read_by_others_of_its_user():
    """In a process of its own: the one that runs the tests has hidden its memory as soon as a service began in it."""
    code = "import ctypes; from medsearch_core.workers.confinement import hide_memory; is_dumpable = ctypes.CDLL(None).prctl; "
    code += "print(is_dumpable(3)); hide_memory(); print(is_dumpable(3))"
    assert subprocess.check_output([sys.executable, "-c", code]).split() == [b"1", b"0"]
