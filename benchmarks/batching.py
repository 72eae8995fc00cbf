"""Compares ingestion in batches with one run per study: `python -m benchmarks.batching [--studies 512] [--singly 24]`.

The same small studies, through the real daemon, from the launch of a backfill until every partition of every asset is
materialized: once with `MEDSEARCH_MAX_PARTITIONS_PER_RUN=1` for the first `--singly` of them, once with `--batch`. Two runs at
a time, on SQLite and on Postgres. Also shows how a batch's time was spent, step by step, from Dagster's own records. Prints
Markdown.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.deployment import STORAGES, Deployment, Storage, deployment
from benchmarks.small_studies import land, study
from medsearch_core.storage.open import open_store
from medsearch_pipeline.jobs import STUDY_ASSETS

RUNS = 2
LAUNCH = """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
TIMES = """query { runsOrError(limit: 1000) { ... on Runs { results { runId status jobName creationTime startTime endTime
  stepStats { stepKey startTime endTime } } } } }"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=512)
    parser.add_argument("--singly", type=int, default=24, help="of them, ingested in a run each")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--side", type=int, default=64, help="of each image, in pixels")
    parser.add_argument("--storages", nargs="+", choices=STORAGES, default=STORAGES)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        land(open_store(str(folder / "landing")), 0, given.studies, given.side)
        print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {RUNS} runs at a time, images of {given.side} px\n")
        print(
            f"| | one run per study: studies/s | {given.batch} studies per run: studies/s | ratio |\n|---|---|---|---|",
            flush=True,
        )
        steps: list[str] = []
        for storage in given.storages:
            single, _ = ingested(folder, storage, 1, given.singly)
            batch, durations = ingested(folder, storage, given.batch, given.studies)
            print(f"| {storage} | {single:.2f} | {batch:.2f} | {batch / single:.1f} |", flush=True)
            steps.append(f"{storage}, a batch: {durations}")
        print("", *steps, sep="\n")


def ingested(folder: Path, storage: Storage, batch: int, studies: int) -> tuple[float, str]:
    """Studies per second of a backfill of `studies`, and the slowest run's time by steps."""
    home = folder / f"{storage}-{batch}"
    settings = {"MEDSEARCH_MAX_PARTITIONS_PER_RUN": str(batch)}
    with deployment(home, str(folder / "landing"), storage, **settings) as world:
        world.start_webserver()
        with world.daemon(RUNS):
            world.client.run_job("inventory_job")
            started = time.perf_counter()
            launch(world, [study(n).partition for n in range(studies)])
            while any(p.materialized < studies for p in world.client.progress(STUDY_ASSETS)):
                failed = [r for r in times(world) if r["status"] == "FAILURE"]
                if failed:
                    raise SystemExit(f"run {failed[0]['runId']} failed: see it in {home}")
                time.sleep(0.5)
            seconds = time.perf_counter() - started
            while not ended(times(world)):
                time.sleep(0.5)
            return studies / seconds, where(times(world))


def launch(world: Deployment, partitions: Sequence[str]) -> str:
    """Launches a backfill of these partitions of every study asset; returns its id."""
    params = {"assetSelection": [{"path": [asset]} for asset in STUDY_ASSETS], "partitionNames": list(partitions)}
    launched: dict[str, Any] = world.client.ask(LAUNCH, params=params)["launchPartitionBackfill"]
    if "backfillId" not in launched:
        raise SystemExit(f"the backfill could not be launched: {launched}")
    return str(launched["backfillId"])


def times(world: Deployment) -> list[dict[str, Any]]:
    """Every run, the newest first, with the start and end of its steps."""
    found: list[dict[str, Any]] = world.client.ask(TIMES)["runsOrError"]["results"]
    return found


def ended(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The finished runs over studies."""
    return [run for run in runs if run["jobName"] != "inventory_job" and run["endTime"]]


def where(runs: Sequence[dict[str, Any]]) -> str:
    """Seconds of the longest study run: until it was launched, until its first step, each step, and after the last."""
    run = max(ended(runs), key=lambda r: r["endTime"] - r["startTime"])
    steps = sorted((s for s in run["stepStats"] if s["endTime"]), key=lambda s: s["startTime"])
    durations = [f"{steps[0]['startTime'] - run['startTime']:.1f} s before its steps"]
    durations += [f"{s['stepKey']} {s['endTime'] - s['startTime']:.1f}" for s in steps]
    durations.append(f"after them {run['endTime'] - steps[-1]['endTime']:.1f}")
    return f"{run['startTime'] - run['creationTime']:.1f} s from creation to start; {', '.join(durations)}"


if __name__ == "__main__":
    main()
