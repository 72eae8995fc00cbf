"""A quick run fails every test that starts a process, however it does."""

from __future__ import annotations

import pytest

from tests.support.no_processes import NoProcesses

pytest_plugins = "pytester"

TESTS = """
import multiprocessing, os, subprocess, sys
import pytest

def test_nothing(): pass

def test_subprocess(): subprocess.run([sys.executable, "-c", ""])

def test_shell(): os.system("true")

def test_hidden():
    try:
        subprocess.Popen(["/no/such/program"])
    except OSError:
        pass

@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method):
    process = multiprocessing.get_context(method).Process(target=print)
    process.start()
    process.join()

@pytest.fixture
def server(): os.waitpid(os.fork() or os._exit(0), 0)

def test_fixture(server): pass
"""


@pytest.mark.slow
def test_a_test_that_starts_a_process_fails_and_no_other(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    result = pytester.inline_run("-p", "no:xdist", plugins=[NoProcesses()])
    result.assertoutcome(passed=1, failed=7)
