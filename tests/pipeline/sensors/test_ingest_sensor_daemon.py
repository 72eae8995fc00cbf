"""The dispatcher with a real daemon: what lands is ingested, whatever is killed with no warning meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
import yaml

from medsearch_core.keys import StudyKey
from medsearch_core.search.embedded.index import open_embedded
from medsearch_core.storage.ledger import read_totals
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.intake import journal, pending
from medsearch_pipeline.intake.changes import Observation
from medsearch_pipeline.intake.recorder import record
from medsearch_pipeline.orchestration.code_server import ENVIRONMENT, CodeServer
from medsearch_pipeline.orchestration.run_tags import UNFINISHED, partition_span
from medsearch_pipeline.settings.layout import Layout
from tests.support.ingest import settings_in, take_ledger
from tests.support.landing import land_study
from tests.support.paths import PROJECT_ROOT

PROJECT = PROJECT_ROOT
FIRST = [StudyKey("p10000001", f"s5000{n:04d}") for n in range(12)]
LAST = [StudyKey("p10000003", "s50020000")]


class Deployment:
    """A folder with everything in it, and a daemon that may be killed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.settings = settings_in(home / "landing", home)
        self.landing = open_store(self.settings.landing)
        self.warehouse = Warehouse(open_store(self.settings.warehouse))
        dagster = home / "dagster"
        dagster.mkdir()
        configuration = yaml.safe_load((PROJECT / "dagster.yaml").read_text())
        configuration["run_monitoring"]["poll_interval_seconds"] = 1
        configuration["run_queue"] = {"dequeue_interval_seconds": 1}
        (dagster / "dagster.yaml").write_text(yaml.safe_dump(configuration))
        self.instance = dg.DagsterInstance.from_config(str(dagster))
        self.servers: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Starts a code server and a daemon."""
        code = CodeServer(self.home / "dagster")
        self._start(code.command)
        self.wait_for(code.is_ready)
        self._start([sys.executable, "-m", "dagster._daemon", "run", "-w", str(code.write_workspace())])

    def _start(self, command: list[str]) -> None:
        environment = os.environ | ENVIRONMENT
        environment |= {
            "DAGSTER_HOME": str(self.home / "dagster"),
            "MEDSEARCH_LANDING": self.settings.landing,
            "MEDSEARCH_WAREHOUSE": self.settings.warehouse,
            "MEDSEARCH_INDEX": self.settings.index,
            "MEDSEARCH_MODEL": "efficientnet_lite0",
            "MEDSEARCH_WEIGHTS": "imagenet",
            "MEDSEARCH_SETTLE_SECONDS": "1",
            "MEDSEARCH_DISPATCH_INTERVAL_SECONDS": "1",
            "MEDSEARCH_SCAN_INTERVAL_SECONDS": "86400",  # the test says itself what landed
            "DAGSTER_EVENT_LOG_CONSUMER_DAEMON_INTERVAL_SECONDS": "1",
            "PYTHONPATH": str(PROJECT),
        }
        with (self.home / "daemon.log").open("ab") as log:
            self.servers.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True))

    def kill_everything(self) -> None:
        """Daemon, code server and runs at once, as when the machine loses its power."""
        for server in self.servers:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
        while self.servers:
            self.servers.pop().wait()

    def land(self, studies: Sequence[StudyKey]) -> None:
        """Puts studies into the landing store, and records them as an observer does."""
        for study in studies:
            land_study(self.landing, study, images=2)
        seen = [Observation(o.key, o) for o in self.landing.list() if any(study.study in o.key for study in studies)]
        record(self.landing, self.warehouse, Layout.of(self.settings.layout), b"secret", seen, datetime.now(UTC))

    def journal(self) -> list[str]:
        return journal.names(self.warehouse)

    def wait_for(self, seen: Callable[[], bool], seconds: float = 600) -> None:
        deadline = time.monotonic() + seconds
        while not seen():
            assert [server.poll() for server in self.servers] == [None] * len(self.servers), self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def log(self) -> str:
        return (self.home / "daemon.log").read_text()[-6000:]

    def started(self, start: StudyKey) -> list[int]:
        """The process of the run that begins with a study and is started."""
        runs = self.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        ids = [run.run_id for run in runs if (partition_span(run) or ("",))[0] == start.partition]
        starts = [e for run in ids for e in self.instance.all_logs(run, of_type=dg.DagsterEventType.RUN_START)]
        return [e.dagster_event.pid for e in starts if e.dagster_event and e.dagster_event.pid]

    def is_half_done(self, studies: Sequence[StudyKey]) -> bool:
        """Whether their run has made tables of them, and not yet the vectors of all: to load the model takes it seconds."""
        in_work = self._made("dicom_metadata", studies) > 0 and self._made("embeddings", studies) < len(studies)
        return in_work and bool(self.started(studies[0]))

    def is_done(self, studies: Sequence[StudyKey]) -> bool:
        return set(studies) <= set(open_embedded(self.settings.index).studies()) and not self.unfinished()

    def unfinished(self) -> Sequence[dg.DagsterRun]:
        return self.instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))

    def _made(self, table: str, studies: Sequence[StudyKey]) -> int:
        return len(list((self.home / "warehouse" / table / studies[0].patient).glob("*.parquet")))

    def outcomes(self, start: StudyKey) -> list[str]:
        """How the runs that begin with a study ended, oldest first."""
        runs = self.instance.get_runs(ascending=True)
        return [run.status.value for run in runs if (partition_span(run) or ("",))[0] == start.partition]


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))  # where dagster.yaml keeps Dagster's storage
    deployment = Deployment(tmp_path)
    deployment.start()
    yield deployment
    deployment.kill_everything()


def test_what_lands_is_ingested_though_its_run_and_then_everything_is_killed(deployment: Deployment) -> None:
    deployment.land(FIRST)
    deployment.wait_for(lambda: deployment.is_half_done(FIRST))
    (process,) = deployment.started(FIRST[0])
    os.kill(process, signal.SIGKILL)
    deployment.wait_for(lambda: process not in deployment.started(FIRST[0]) != [])
    deployment.kill_everything()
    assert deployment.outcomes(FIRST[0]) == ["FAILURE", "STARTED"]
    deployment.land(LAST)
    deployment.start()
    deployment.wait_for(lambda: deployment.is_done([*FIRST, *LAST]))
    assert deployment.outcomes(FIRST[0]) == ["FAILURE", "FAILURE", "SUCCESS"]
    assert deployment.outcomes(LAST[0]) == ["SUCCESS"]

    deployment.wait_for(lambda: pending.read(deployment.warehouse) == pending.State((), frozenset(deployment.journal())))
    inventory = build_definitions(deployment.settings).resolve_job_def("inventory_job")
    assert inventory.execute_in_process(instance=deployment.instance).success
    assert deployment.journal() == [], "what the dispatcher has taken is compacted away"
    assert all(c.passed for c in take_ledger(deployment.settings, deployment.instance).get_asset_check_evaluations())
    totals = read_totals(deployment.warehouse)
    assert totals
    assert (totals.landed, totals.of("indexed").objects, totals.of("indexed").images) == (39, 39, 26)
