"""The measured deployment: Dagster's webserver and daemon over SQLite or Postgres, and the memory of their processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import dagster as dg
import psutil
import yaml

from medsearch_pipeline.supervision.dagster_client import DagsterClient
from medsearch_pipeline.supervision.ports import free_port
from medsearch_pipeline.supervision.processes import Processes
from tests.support.postgres_server import postgres

ROOT = Path(__file__).resolve().parents[1]
STORAGES = ("sqlite", "postgres")
Storage = Literal["sqlite", "postgres"]
SAMPLE_SECONDS = 0.25
WORKSPACE = ["-w", str(ROOT / "workspace.yaml")]
DAEMON, WEBSERVER = "dagster-daemon", "dagster-webserver"


@dataclass
class Deployment:
    """A deployment's location and client."""

    home: Path
    environment: dict[str, str]
    processes: Processes
    client: Client
    memory: Memory
    _instance: list[dg.DagsterInstance] = field(default_factory=list)

    @property
    def instance(self) -> dg.DagsterInstance:
        """The deployment's Dagster instance, in this process."""
        if not self._instance:
            self._instance.append(dg.DagsterInstance.from_config(str(self.home / "dagster")))
        return self._instance[0]

    def start_webserver(self) -> None:
        """Starts the webserver, and waits until it has loaded the project."""
        port = self.client.port
        medsearch = str(Path(sys.executable).with_name("medsearch"))
        self.processes.start(WEBSERVER, [medsearch, "webserver", "-p", str(port), *WORKSPACE])
        self.processes.wait_until(WEBSERVER, self.client.is_ready)

    @contextmanager
    def daemon(self, runs: int) -> Iterator[None]:
        """Runs the daemon until the end of the block, with at most `runs` concurrent runs; with 0, all stay in the queue."""
        place = self.home / "dagster" / "dagster.yaml"
        configured: dict[str, Any] = yaml.safe_load(place.read_text())
        configured["concurrency"]["runs"]["max_concurrent_runs"] = runs
        place.write_text(yaml.safe_dump(configured))
        with Processes(self.home / "logs", self.environment) as processes:
            processes.start(DAEMON, [sys.executable, "-m", "dagster._daemon", "run", *WORKSPACE])
            yield


class Memory:
    """The largest resident set of every kind of child process, in MiB, sampled by a thread.

    Reads each process's own high-water mark, so a server's peak is never missed; only the last quarter of a second of a run may
    be, if it ends between two samples.
    """

    def __init__(self) -> None:
        self.peak: dict[str, float] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def now(self) -> dict[str, tuple[float, float]]:
        """Kind of process → resident MiB and CPU seconds of all processes of that kind together."""
        found: dict[str, tuple[float, float]] = {}
        for kind, process in _started():
            try:
                size, times = process.memory_info().rss / 2**20, process.cpu_times()
            except psutil.Error:
                continue
            before = found.get(kind, (0.0, 0.0))
            found[kind] = (before[0] + size, before[1] + times.user + times.system)
        return found

    def _watch(self) -> None:
        while not self._end.wait(SAMPLE_SECONDS):
            for kind, process in _started():
                try:
                    status = Path(f"/proc/{process.pid}/status").read_text()
                except OSError:
                    continue
                high = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")), "0")
                self.peak[kind] = max(self.peak.get(kind, 0.0), int(high) / 1024)


def _started() -> Iterator[tuple[str, psutil.Process]]:
    for process in psutil.Process().children(recursive=True):
        try:
            kind = _kind(process)
        except psutil.Error:
            continue
        if kind:
            yield kind, process


def _kind(process: psutil.Process) -> str | None:
    words = " ".join(process.cmdline())
    if "dagster._daemon" in words:
        return "daemon"
    if "medsearch webserver" in words:
        return "webserver"
    if "api grpc" in words:
        above = process.parent()
        server = _kind(above) if above else None
        return f"code server of the {server}" if server else None
    if "execute_run" in words:
        return "run"
    if "multiprocessing.forkserver" in words:  # forks of it have its command
        above = process.parent()
        server = _kind(above) if above else None
        if server and server.startswith("code server"):
            return "origin of runs"
        return "run" if server == "origin of runs" else None
    return None


@contextmanager
def deployment(home: Path, landing: str, storage: Storage, **settings: str) -> Iterator[Deployment]:
    """An empty deployment, with nothing running."""
    with ExitStack() as stack:
        given = {
            "DAGSTER_HOME": str(home / "dagster"),
            "DAGSTER_EVENT_BATCH_SIZE": "1000",
            "MEDSEARCH_LANDING": landing,
            "MEDSEARCH_WAREHOUSE": str(home / "warehouse"),
            "MEDSEARCH_INDEX": str(home / "index"),
            "MEDSEARCH_MODEL": "efficientnet_lite0",
            "MEDSEARCH_WEIGHTS": "imagenet",
            "MEDSEARCH_SENSORS": "stopped",
            **settings,
        }
        if storage == "postgres":
            given |= stack.enter_context(postgres("shared_buffers=512MB"))
        os.environ.update(given)  # the instance that is opened here reads them too
        (home / "dagster").mkdir(parents=True)
        source = ROOT / ("dagster.yaml" if storage == "sqlite" else "docker/dagster.yaml")
        shutil.copy(source, home / "dagster" / "dagster.yaml")
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = str(home.parent / "bytecode")  # as an installed deployment has it
        subprocess.run([sys.executable, "-c", "import torchvision"], env=environment, check=True)
        processes = stack.enter_context(Processes(home / "logs", environment))
        memory = stack.enter_context(Memory())
        found = Deployment(home, environment, processes, Client(free_port(0)), memory)
        yield found
        for instance in found._instance:
            instance.dispose()


class Client(DagsterClient):
    """A client without a timeout."""

    def __init__(self, port: int) -> None:
        super().__init__(f"http://127.0.0.1:{port}")
        self.port = port
        self._http.timeout = 900
