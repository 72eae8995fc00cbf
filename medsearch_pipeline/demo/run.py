"""`make demo`: data, servers, a real backfill, one example query, and everything served until Ctrl-C."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from medsearch_core.errors import MedsearchError
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.demo.dagster_client import AssetProgress, DagsterClient
from medsearch_pipeline.demo.landing import add_pydicom_data, write_landing
from medsearch_pipeline.demo.processes import Processes, answers, free_port
from medsearch_pipeline.jobs import STUDY_ASSETS
from medsearch_pipeline.ledger.summary import format_equation, read_ledger

SENSORS = ("landing_sensor", "ingest_sensor")
MODEL, WEIGHTS = "efficientnet_lite0", "imagenet"
PROJECT = Path(__file__).resolve().parents[2]
LATERALS_WITH_EFFUSION = """query {
  searchReports(query: "moderate left pleural effusion", filters: {present: ["J90"], views: ["LATERAL"]}, first: 1) {
    nodes { images { nodes { id viewPosition } } }
  }
}"""
SIMILAR = """query Similar($image: ID!) {
  similarImages(imageId: $image, first: 5, exclude: PATIENT) {
    edges { score node { id patient study viewPosition report { impression positiveIcd10cms } } }
  }
}"""


def run_demo(home: Path, patients: int, once: bool) -> int:
    """Runs the demo in a folder; returns 0. A second time it finds everything done and only serves."""
    console = Console()
    home = home.absolute()
    for number in (signal.SIGINT, signal.SIGTERM):  # also where the shell that started us ignores them
        signal.signal(number, signal.default_int_handler)
    try:
        _write_data(console, home / "landing", patients)
        dagster_port, api_port, embedder_port = free_port(3000), free_port(8000), free_port(8001)
        environment = _environment(home, api_port, embedder_port)
        console.print(
            f"[bold]Weights[/]: {MODEL} with its {WEIGHTS} weights, trained on photographs, not on radiographs: alike means "
            "alike to the eye, and no result here is a diagnosis."
        )
        with Processes(home / "logs", environment) as processes:
            dagster, service = _start(console, processes, dagster_port, environment)
            _ingest(console, dagster)
            with console.status("Accounting for every landed object …"):
                dagster.run_job("ledger_job")
            _print_account(console, Warehouse(open_store(environment["MEDSEARCH_WAREHOUSE"])))
            _print_example(console, service)
            for sensor in SENSORS:
                dagster.start_sensor(sensor)
            console.print(
                f"\n[bold]Page[/]     http://localhost:{api_port}\n[bold]GraphQL[/]  http://localhost:{api_port}/graphql\n"
                f"[bold]Dagster[/]  http://localhost:{dagster_port}/asset-groups"
            )
            if not once:
                console.print(f"\nWhat you put into {home / 'landing'} can be found within a minute.", soft_wrap=True)
                console.print("Ctrl-C stops everything.")
                _serve(processes)
    except KeyboardInterrupt:
        console.print("\nStopped.")
    return 0


def _write_data(console: Console, landing: Path, patients: int) -> None:
    done = landing.parent / "landing.done"
    wanted = f"{patients} patients"
    if done.exists() and done.read_text() == wanted:
        console.print(f"Demo data is in {landing}")
        return
    with console.status("Drawing chest radiographs and writing their reports …"):
        shutil.rmtree(landing, ignore_errors=True)
        summary = write_landing(landing, patients=patients)
        real = add_pydicom_data(landing)
    done.write_text(wanted)
    console.print(f"Demo data: {summary.images} synthetic images of {summary.studies} studies, {real} real DICOM files")


def _environment(home: Path, api_port: int, embedder_port: int) -> dict[str, str]:
    dagster_home = home / "dagster"
    dagster_home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(PROJECT / "dagster.yaml", dagster_home / "dagster.yaml")
    token = secrets.token_urlsafe()
    return os.environ | {
        "DAGSTER_HOME": str(dagster_home),
        "DAGSTER_EVENT_BATCH_SIZE": "1000",
        "MEDSEARCH_LANDING": str(home / "landing"),
        "MEDSEARCH_WAREHOUSE": str(home / "warehouse"),
        "MEDSEARCH_INDEX": str(home / "index"),
        "MEDSEARCH_SENSORS": "stopped",  # until the backfill has made everything that is there
        "MEDSEARCH_SCAN_INTERVAL_SECONDS": "10",
        "MEDSEARCH_SETTLE_SECONDS": "10",
        "MEDSEARCH_DISPATCH_INTERVAL_SECONDS": "5",
        "MEDSEARCH_MODEL": MODEL,
        "MEDSEARCH_WEIGHTS": WEIGHTS,
        "MEDSEARCH_EMBEDDER_HOST": "127.0.0.1",
        "MEDSEARCH_EMBEDDER_PORT": str(embedder_port),
        "MEDSEARCH_EMBEDDER_TOKEN": token,
        "MEDSEARCH_API_EMBEDDER_URL": f"http://127.0.0.1:{embedder_port}",
        "MEDSEARCH_API_EMBEDDER_TOKEN": token,
        "MEDSEARCH_API_SIGN_IN": "development",
        "MEDSEARCH_API_HOST": "127.0.0.1",
        "MEDSEARCH_API_PORT": str(api_port),
        "MEDSEARCH_API_URL": f"http://localhost:{api_port}",
    }


def _start(
    console: Console, processes: Processes, dagster_port: int, environment: Mapping[str, str]
) -> tuple[DagsterClient, str]:
    workspace = ["-w", str(PROJECT / "workspace.yaml")]
    python = [sys.executable, "-m"]
    medsearch = str(Path(sys.executable).with_name("medsearch"))
    service, embedder = f"http://127.0.0.1:{environment['MEDSEARCH_API_PORT']}", environment["MEDSEARCH_API_EMBEDDER_URL"]
    with console.status("Starting Dagster's webserver and daemon, the service and its embedder …"):
        processes.start("embedder", [medsearch, "embedder"])
        processes.start("service", [str(Path(sys.executable).with_name("medsearch-api"))])
        processes.start("dagster-webserver", [medsearch, "webserver", "-p", str(dagster_port), *workspace])
        dagster = DagsterClient(f"http://127.0.0.1:{dagster_port}")
        processes.wait_until("service", lambda: answers(f"{service}/readyz"))
        processes.wait_until("dagster-webserver", dagster.is_ready)
        processes.wait_until("embedder", lambda: answers(f"{embedder}/healthz"))
        processes.start("dagster-daemon", [*python, "dagster._daemon", "run", *workspace])
    return dagster, service


def _ingest(console: Console, dagster: DagsterClient) -> None:
    with console.status("Taking inventory of the landing folder …"):
        dagster.run_job("inventory_job")
    progress = dagster.progress(STUDY_ASSETS)
    studies = progress[0].partitions
    if all(p.is_complete for p in progress):
        console.print(f"All {studies} studies are ingested already.")
        return
    backfill = dagster.launch_backfill(STUDY_ASSETS)
    console.print(f"Backfill {backfill}: {studies} studies")
    columns = (TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        tasks = {asset: bars.add_task(asset, total=studies) for asset in STUDY_ASSETS}
        seen = [""]

        def show(progress: Sequence[AssetProgress], message: str) -> None:
            for p in progress:
                bars.update(tasks[p.asset], completed=p.materialized)
            if message != seen[0]:
                seen[0] = message
                bars.console.print(f"  {message}")

        dagster.follow_backfill(backfill, STUDY_ASSETS, show)


def _print_account(console: Console, warehouse: Warehouse) -> None:
    ledger = read_ledger(warehouse)
    console.print(format_equation(ledger), soft_wrap=True)
    for state in ("rejected", "excluded"):
        for reason, count in sorted(ledger.totals.of(state).reasons.items()):
            console.print(f"  {state} as {reason}: {count}")


def _print_example(console: Console, service: str) -> None:
    reports = _ask(service, LATERALS_WITH_EFFUSION)["searchReports"]["nodes"]
    laterals = [i["id"] for report in reports for i in report["images"]["nodes"] if i["viewPosition"] == "LATERAL"]
    if not laterals:
        raise MedsearchError("the example query found no image to start from")
    console.print(f"\n[bold]One example query[/]: images like a lateral radiograph with an effusion, image {laterals[0]}")
    console.print(SIMILAR, highlight=False, soft_wrap=True)
    console.print_json(json.dumps(_ask(service, SIMILAR, image=laterals[0])))


def _ask(service: str, query: str, **variables: Any) -> dict[str, Any]:
    answer = httpx.post(f"{service}/graphql", json={"query": query, "variables": variables}, timeout=60, trust_env=False).json()
    if answer.get("errors"):
        raise MedsearchError(f"the service refused the example query: {answer['errors'][0]['message']}")
    return answer["data"]


def _serve(processes: Processes) -> None:
    while True:
        processes.check()
        signal.sigtimedwait([], 1.0)
