"""`make demo`: data, servers, a real backfill and one example query; serves until Ctrl-C."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from medsearch_core.errors import MedsearchError
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.demo.landing import add_pydicom_data, write_landing
from medsearch_pipeline.jobs import STUDY_ASSETS
from medsearch_pipeline.ledger.summary import format_equation, read_ledger
from medsearch_pipeline.orchestration.code_server import ENVIRONMENT
from medsearch_pipeline.orchestration.dagster_home import hold_dagster_home, prepare_dagster_home
from medsearch_pipeline.supervision.dagster_client import AssetProgress, DagsterClient
from medsearch_pipeline.supervision.home_settings import write_home_settings
from medsearch_pipeline.supervision.ports import LOOPBACK, free_port
from medsearch_pipeline.supervision.processes import Processes, stop_on_signals
from medsearch_pipeline.supervision.servers import COMPLETE_ENVIRONMENT, start_servers

SENSORS = ("landing_sensor", "ingest_sensor")
MODEL, WEIGHTS = "efficientnet_lite0", "imagenet"
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
    """Runs the demo in a folder; returns 0. A second run finds everything ingested and only serves.

    Raises:
        ConfigurationError: another demo runs in this folder.
    """
    console = Console()
    stop_on_signals()
    try:
        prepare_dagster_home(home.absolute() / "dagster", is_kept=False)
        with hold_dagster_home(home.absolute() / "dagster"):
            _write_data(console, home.absolute() / "landing", patients)
            _serve(console, home, once)
    except KeyboardInterrupt:
        console.print("\nStopped.")
    return 0


def _serve(console: Console, named_home: Path, once: bool) -> None:
    home = named_home.absolute()
    dagster_port, api_port, embedder_port = free_port(3000), free_port(8000), free_port(8001)
    environment = _environment(home, dagster_port, api_port, embedder_port)
    write_home_settings(home, environment, os.environ)
    console.print(
        f"[bold]Weights[/]: {MODEL} with its {WEIGHTS} weights, trained on photographs, not on radiographs. "
        "Similarity is visual, not clinical; nothing here is a diagnosis."
    )
    with Processes(home / "logs", environment) as processes:
        service = f"http://{LOOPBACK}:{api_port}"
        with console.status("Starting Dagster, the service and its embedder …"):
            embedder = environment["MEDSEARCH_API_EMBEDDER_URL"]
            dagster = start_servers(processes, home / "dagster", dagster_port, service, embedder)
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
        if once:
            return
        console.print(
            f"\nFiles that you add to {home / 'landing'} become searchable about a minute later.\n"
            f"Other commands look at the demo by --home, such as medsearch status --home {named_home}",
            soft_wrap=True,
        )
        console.print("Ctrl-C stops everything.")
        processes.watch()


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


def _environment(home: Path, dagster_port: int, api_port: int, embedder_port: int) -> dict[str, str]:
    token = secrets.token_urlsafe()
    return os.environ | {
        "DAGSTER_HOME": str(home / "dagster"),
        **ENVIRONMENT,
        **COMPLETE_ENVIRONMENT,
        "MEDSEARCH_DAGSTER_URL": f"http://localhost:{dagster_port}",
        "MEDSEARCH_LANDING": str(home / "landing"),
        "MEDSEARCH_WAREHOUSE": str(home / "warehouse"),
        "MEDSEARCH_INDEX": str(home / "index"),
        "MEDSEARCH_SENSORS": "stopped",  # until the backfill is complete
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


def _ingest(console: Console, dagster: DagsterClient) -> None:
    with console.status("Taking inventory of the landing folder …"):
        dagster.run_job("inventory_job")
    progress = dagster.progress(STUDY_ASSETS)
    studies = progress[0].partitions
    if all(p.is_complete for p in progress):
        console.print(f"All {studies} studies are already ingested.")
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
