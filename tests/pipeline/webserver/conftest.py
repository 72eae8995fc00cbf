"""Dagster's UI as `medsearch webserver` serves it, and a daemon, over a small landing folder."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from medsearch_core.keys import StudyKey
from medsearch_core.storage.open import open_store
from medsearch_pipeline.supervision.dagster_client import DagsterClient
from tests.support.landing import land_study
from tests.support.paths import PROJECT_ROOT
from tests.support.serving import free_port

STUDY = StudyKey("p10000032", "s50414267")
DEADLINE_SECONDS = 400


class World:
    """Servers that were started where files are for everyone to read, and the folders they write to."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self.url = f"http://localhost:{self.port}"
        self.client = DagsterClient(self.url)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        (home / "dagster").mkdir()
        (home / "dagster").chmod(0o755)
        (home / "dagster" / "dagster.yaml").write_bytes((PROJECT_ROOT / "dagster.yaml").read_bytes())
        land_study(open_store(str(home / "landing")), STUDY)
        (home / "landing").chmod(0o755)

    def start(self, name: str, *command: str) -> None:
        """Starts a server; what it prints goes to a file."""
        settings = {
            "DAGSTER_HOME": str(self.home / "dagster"),
            "MEDSEARCH_LANDING": str(self.home / "landing"),
            "MEDSEARCH_WAREHOUSE": str(self.home / "warehouse"),
            "MEDSEARCH_INDEX": str(self.home / "index"),
            "MEDSEARCH_DAGSTER_URL": "https://dagster.example.org",
            "MEDSEARCH_WEBSERVER_HOSTS": "second.example.org",
            "MEDSEARCH_MODEL": "efficientnet_lite0",
            "MEDSEARCH_WEIGHTS": "random",
            "MEDSEARCH_SENSORS": "stopped",
        }
        with (self.home / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                command,
                env=os.environ | settings,
                cwd=PROJECT_ROOT,
                stdout=log,
                stderr=log,
                umask=0o022,
            )

    def log(self, name: str) -> str:
        """What a server printed."""
        return (self.home / f"{name}.log").read_text()

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Waits until something is so; fails with the logs where a server ends or it does not come."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not is_so():
            for name, process in self._processes.items():
                assert process.poll() is None, f"{name} ended:\n{self.log(name)}"
            assert time.monotonic() < deadline, "\n".join(self.log(name) for name in self._processes)
            time.sleep(0.3)

    def stop(self) -> dict[str, int]:
        """Ends the servers as an operator would; their exit statuses."""
        for process in self._processes.values():
            process.terminate()
        return {name: process.wait(300) for name, process in self._processes.items()}

    def runs(self) -> int:
        """How many runs there are."""
        runs = self.client.ask("{ runsOrError { ... on Runs { results { runId } } } }")["runsOrError"]["results"]
        return len(runs)


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("world"))
    medsearch = str(Path(sys.executable).with_name("medsearch"))
    world.start("webserver", medsearch, "webserver", "-w", "workspace.yaml", "-p", str(world.port))
    try:
        world.wait_until(world.client.is_ready)
        yield world
    finally:
        statuses = world.stop()
    assert statuses["webserver"] == 0, world.log("webserver")
