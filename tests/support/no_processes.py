"""A quick run starts no process: the test that does fails, and the message says what to do with it."""

from __future__ import annotations

import multiprocessing.util
import sys
from collections.abc import Callable, Generator
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

STARTING = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system"})
"""Python's audit events for a process that starts. `multiprocessing` has none for those it forks from a server or spawns."""

Phase = Generator[None, object, object]


class NoProcesses:
    """A plugin of pytest: fails each test that starts a process, itself or by a fixture that it is the first to use."""

    def __init__(self) -> None:
        self._started: list[str] = []
        sys.addaudithook(lambda event, arguments: self._note(event, *arguments[:1]) if event in STARTING else None)
        for owner, name in ((BaseProcess, "start"), (multiprocessing.util, "spawnv_passfds")):
            setattr(owner, name, self._noted(getattr(owner, name)))

    def _note(self, *words: object) -> None:
        self._started.append(" ".join(map(str, words)))

    def _noted(self, start: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            self._note("multiprocessing", start.__name__)
            return start(*arguments)

        return noted

    def _watch(self) -> Phase:
        self._started.clear()
        result = yield
        if self._started:
            what = ", ".join(self._started)
            pytest.fail(f"a test of the quick run started a process ({what}): mark it slow, or its file in tests/conftest.py")
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Phase:
        return (yield from self._watch())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Phase:
        return (yield from self._watch())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Phase:
        return (yield from self._watch())
