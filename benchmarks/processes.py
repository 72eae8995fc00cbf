"""The processes of a deployment before, during and after many runs: none may outlive its run, and no server may grow.

A real code server, webserver and daemon ingest one study per run. After every few runs, once they have ended, the living
processes of the deployment are counted, whoever started them.

python -m benchmarks.processes --runs 20
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import dagster as dg
import psutil

from medsearch_core.keys import StudyKey
from tests.support.local_deployment import LocalDeployment

CONFIGURATION = {"run_queue": {"dequeue_interval_seconds": 1}}
QUIET = {"MEDSEARCH_SENSORS": "stopped"}
ENDED_SECONDS = 60.0
"""How long processes may take to end after their runs."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--every", type=int, default=5, help="count after so many runs")
    arguments = parser.parse_args()
    studies = [StudyKey("p10000001", f"s5{number:07d}") for number in range(arguments.runs)]
    with tempfile.TemporaryDirectory() as home, LocalDeployment(Path(home), CONFIGURATION, QUIET) as deployment:
        os.environ["DAGSTER_HOME"] = str(deployment.dagster_home)  # as dagster.yaml asks
        instance = dg.DagsterInstance.get()
        deployment.land(studies)
        deployment.start_code_server()
        deployment.start_webserver()
        deployment.start_daemon()
        print("| runs | processes | of them of runs | resident memory, MiB |\n|---|---|---|---|")
        print(count(deployment, 0), flush=True)
        deployment.client.run_job("inventory_job")
        for first in range(0, len(studies), arguments.every):
            ids = [deployment.launch("ingest_job", study.partition) for study in studies[first : first + arguments.every]]
            wait(deployment, instance, ids)
            print(count(deployment, first + len(ids)), flush=True)


def wait(deployment: LocalDeployment, instance: dg.DagsterInstance, ids: list[str]) -> None:
    """Waits for the end of runs, all of which must succeed, and of their processes for a while."""
    deployment.wait_for("the end of the runs", lambda: all(run.is_finished for run in runs_of(instance, ids)))
    if failed := [run.run_id for run in runs_of(instance, ids) if run.status != dg.DagsterRunStatus.SUCCESS]:
        raise SystemExit(f"failed: {', '.join(failed)}")
    deadline = time.monotonic() + ENDED_SECONDS
    while deployment.of_runs() and time.monotonic() < deadline:
        time.sleep(0.5)


def runs_of(instance: dg.DagsterInstance, ids: list[str]) -> list[dg.DagsterRun]:
    """The runs with these ids."""
    return list(instance.get_runs(dg.RunsFilter(run_ids=ids)))


def count(deployment: LocalDeployment, runs: int) -> str:
    """A row of the table."""
    living = deployment.living()
    memory = sum(psutil.Process(pid).memory_full_info().pss for pid in living) / 2**20
    return f"| {runs} | {len(living)} | {len(deployment.of_runs())} | {memory:.0f} |"


if __name__ == "__main__":
    main()
