"""Measures Dagster and the pipeline at hospital scale: `python -m benchmarks.ingestion [--sizes 1000 25000 100000 228000]`.

The studies (`small_studies`) are in a folder or at `--landing s3://bucket/prefix`. For each size there is a new deployment on
SQLite and one on Postgres, started here on a temporary folder (Debian: `apt-get install postgresql`). All measurements use
the real webserver, daemon and code servers, and the UI's queries are those of the installed UI. Only the state "everything is
materialized" is created by writing events through the instance's own batches, not by ingesting. Prints Markdown, one table per
storage.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.events import DagsterEvent, DagsterEventBatchMetadata, StepMaterializationData, generate_event_batch_id
from dagster._core.events.log import EventLogEntry

from benchmarks.batching import times
from benchmarks.deployment import STORAGES, Deployment, Storage, deployment
from benchmarks.small_studies import land, study
from benchmarks.ui_queries import ui_query
from medsearch_core.storage.open import open_store
from medsearch_pipeline.jobs import STUDY_ASSETS
from medsearch_pipeline.orchestration.partitions import NAME, register
from medsearch_pipeline.supervision.dagster_client import SELECTOR

ASSETS = [{"path": [asset]} for asset in STUDY_ASSETS]
RUN = 256
"""Studies a run of a backfill works on: `max_partitions_per_run`."""
BATCH = 1000
IDLE_SECONDS = 30
TICKS = 3
SENSORS = "query($s: RepositorySelector!) { sensorsOrError(repositorySelector: $s) { ... on Sensors { results { name } } } }"
START = "mutation($s: SensorSelector!) { startSensor(sensorSelector: $s) { __typename ... on PythonError { message } } }"
SENSOR = """query($s: SensorSelector!) { sensorOrError(sensorSelector: $s) { ... on Sensor { sensorState {
  ticks(limit: 10) { timestamp endTimestamp status skipReason runIds error { message } } } } } }"""
RUNS = "query($f: RunsFilter!) { runsOrError(filter: $f) { ... on Runs { count } } }"
CANCEL = "mutation($id: String!) { cancelPartitionBackfill(backfillId: $id) { __typename } }"

Table = dict[str, dict[int, str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 25_000, 100_000, 228_000])
    parser.add_argument("--storages", nargs="+", choices=STORAGES, default=STORAGES)
    parser.add_argument("--landing", help="an empty folder or bucket for the studies; without it a temporary folder")
    parser.add_argument("--seconds", type=float, default=120, help="how long a backfill's runs are counted, at most")
    given = parser.parse_args()
    tables: dict[str, Table] = {storage: defaultdict(dict) for storage in given.storages}
    with tempfile.TemporaryDirectory() as name:
        landing, landed = given.landing or f"{name}/landing", 0
        try:
            for size in sorted(given.sizes):
                started = time.perf_counter()
                land(open_store(landing), landed, size)
                seconds, landed = time.perf_counter() - started, size
                for storage in given.storages:
                    tables[storage]["studies put into the landing store since the column before"][size] = f"{seconds:.1f} s"
                    home = Path(name, f"{storage}-{size}")
                    measure(home, landing, storage, size, given.seconds, tables[storage])
        finally:
            print(
                f"\n{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, dagster {dg.__version__}"
            )
            for storage, table in tables.items():
                show(storage, table, sorted(given.sizes))


def measure(home: Path, landing: str, storage: Storage, size: int, seconds: float, table: Table) -> None:
    """Fills a column of a table."""

    def note(what: str, value: str) -> None:
        table[what][size] = value
        print(f"{storage}, {size}: {what}: {value}", file=sys.stderr, flush=True)

    studies = [study(number) for number in range(size)]
    with deployment(home, landing, storage) as world:
        world.instance.get_dynamic_partitions(NAME)  # makes the storage's tables
        note("listing the landing store (`ObjectStore.list`)", timed(lambda: sum(1 for _ in open_store(landing).list())))
        note("registering the partitions (`partitions.register`)", timed(lambda: register(world.instance, studies)))
        note("registering them again: all registered", timed(lambda: register(world.instance, studies)))
        note("`get_dynamic_partitions`", timed(lambda: world.instance.get_dynamic_partitions(NAME)))
        world.start_webserver()
        with world.daemon(runs=1):
            for what in ("inventory_job, first", "inventory_job, nothing changed", "ledger_job, everything pending"):
                world.memory.peak.pop("run", None)
                world.client.run_job(what.partition(",")[0])
                run = times(world)[0]
                note(
                    f"`{what.replace(',', '`,')}",
                    f"{run['endTime'] - run['startTime']:.1f} s, {world.memory.peak.get('run', 0):.0f} MiB",
                )
        with world.daemon(runs=0):
            sensors(world, note)
        note("materializations written through the instance's batches", events(world, studies))
        ui(world, note)
        with world.daemon(runs=0):
            backfill(world, size, seconds, note)
        with world.daemon(runs=0):
            idle(world, note)
        for kind, peak in sorted(world.memory.peak.items()):
            if kind != "run":
                note(f"peak memory: {kind}", f"{peak:.0f} MiB")


def sensors(world: Deployment, note: Callable[[str, str], None]) -> None:
    """Starts every sensor, and waits for a few ticks of each after the first inventory; the runs they request stay queued."""
    for sensor in world.client.ask(SENSORS, s=SELECTOR)["sensorsOrError"]["results"]:
        selector = {"s": {**SELECTOR, "sensorName": sensor["name"]}}
        world.client.ask(START, **selector)
        deadline = time.monotonic() + 300
        ticks: list[dict[str, Any]] = []
        while len(ticks) < TICKS and time.monotonic() < deadline:
            time.sleep(1)
            state = world.client.ask(SENSOR, **selector)["sensorOrError"]["sensorState"]
            ticks = [tick for tick in reversed(state["ticks"]) if tick["endTimestamp"]]
        for number, tick in enumerate(ticks[:TICKS], start=1):
            said = (tick["error"] or {}).get("message") or tick["skipReason"] or f"{len(tick['runIds'])} runs"
            took = tick["endTimestamp"] - tick["timestamp"]
            note(f"{sensor['name']}, tick {number}", f"{took:.2f} s ({tick['status'].lower()}: {said[:160]})")


def events(world: Deployment, studies: list[Any]) -> str:
    """Marks every study of every asset as materialized, in runs of one batch each."""
    started, batch = time.perf_counter(), generate_event_batch_id()
    for asset in STUDY_ASSETS:
        for first in range(0, len(studies), BATCH):
            run_id = f"{first:08x}-0000-4000-8000-000000000000"
            some = studies[first : first + BATCH]
            for number, each in enumerate(some):
                made = dg.AssetMaterialization(asset, partition=each.partition, metadata={"images": 1, "bytes": 1000})
                event = DagsterEvent(
                    event_type_value="ASSET_MATERIALIZATION",
                    job_name="ingest_job",
                    step_key=asset,
                    event_specific_data=StepMaterializationData(made),
                )
                entry = EventLogEntry(
                    error_info=None,
                    user_message="",
                    level=10,
                    run_id=run_id,
                    timestamp=time.time(),
                    job_name="ingest_job",
                    step_key=asset,
                    dagster_event=event,
                )
                world.instance.handle_new_event(entry, batch_metadata=DagsterEventBatchMetadata(batch, number == len(some) - 1))
    count = len(studies) * len(STUDY_ASSETS)
    return f"{count / (time.perf_counter() - started):.0f} per second"


def ui(world: Deployment, note: Callable[[str, str], None]) -> None:
    """Runs the UI's queries: the asset graph every few seconds, an asset's page, and its partitions."""
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("asset graph, five assets", "AssetGraphLiveQuery", {"assetKeys": ASSETS}),
        ("asset's page, definition", "AssetViewDefinitionQuery", {"assetKey": {"path": ["search_index"]}}),
        ("asset's page, partitions", "PartitionHealthQuery", {"assetKey": {"path": ["search_index"]}}),
        (
            "asset's page, newest partitions",
            "LatestAssetPartitionsQuery",
            {"assetKey": {"path": ["search_index"]}, "limit": 120},
        ),
    ]
    for what, name, variables in asked:
        query = partial(world.client.ask, ui_query(name), **variables)
        cold, warm = timed(query), timed(query)
        note(f"{what} (`{name}`), cold / warm", f"{cold} / {warm}")


def backfill(world: Deployment, size: int, seconds: float, note: Callable[[str, str], None]) -> None:
    """Launches a backfill of everything, and counts the runs that reach the queue, where they stay."""
    started = time.perf_counter()
    name = world.client.launch_backfill(STUDY_ASSETS)
    note("launching a backfill of everything: response", f"{time.perf_counter() - started:.2f} s")
    due, first, count = -(-size // RUN), None, 0
    filter_by = {"tags": [{"key": "dagster/backfill", "value": name}]}
    while count < due and time.perf_counter() - started < seconds:
        time.sleep(0.5)
        count = world.client.ask(RUNS, f=filter_by)["runsOrError"]["count"]
        if count and first is None:
            first = time.perf_counter() - started
    took = time.perf_counter() - started
    note("its first run is in the queue after", f"{first:.1f} s" if first else f"over {took:.0f} s")
    note("its runs in the queue", f"{count} of {due} after {took:.0f} s: {60 * count / took:.0f} per minute")
    note("the daemon's log meanwhile", f"{(world.home / 'logs' / 'dagster-daemon.log').stat().st_size / 2**20:.1f} MiB")
    world.client.ask(CANCEL, id=name)


def idle(world: Deployment, note: Callable[[str, str], None]) -> None:
    """The servers' use of memory and CPU while idle."""
    time.sleep(IDLE_SECONDS)  # they have loaded the project, and the canceled backfill is over
    before = world.memory.now()
    time.sleep(IDLE_SECONDS)
    after = world.memory.now()
    for kind in sorted(after):
        size, used = after[kind]
        earlier = before.get(kind, (size, used))
        note(f"idle for {IDLE_SECONDS} s: {kind}", f"{earlier[0]:.0f} → {size:.0f} MiB, {used - earlier[1]:.1f} s of CPU time")


def timed(run: Callable[[], Any]) -> str:
    """The duration of a call."""
    started = time.perf_counter()
    run()
    return f"{time.perf_counter() - started:.2f} s"


def show(storage: str, table: Table, sizes: list[int]) -> None:
    """Prints a table."""
    print(f"\n| {storage} | " + " | ".join(f"{size:,}" for size in sizes) + " |\n|---" + "|---" * len(sizes) + "|")
    for what, values in table.items():
        print(f"| {what} | " + " | ".join(values.get(size, "–") for size in sizes) + " |")


if __name__ == "__main__":
    main()
