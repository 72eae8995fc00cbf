"""A whole ingestion by the real servers, started where new files are for everyone to read: none of what they write is."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

from medsearch_pipeline.orchestration.run_tags import range_tags
from medsearch_pipeline.supervision.dagster_client import SELECTOR
from tests.pipeline.webserver.conftest import STUDY, World

LAUNCH = """
mutation($params: ExecutionParams!) { launchRun(executionParams: $params) { ... on LaunchRunSuccess { run { runId } } } }"""
STATUS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


def exposed(folder: Path) -> list[str]:
    """What anyone but its user has a right to."""
    return [str(path) for path in [folder, *folder.rglob("*")] if stat.S_IMODE(path.lstat().st_mode) & 0o077]


def test_nothing_that_an_ingestion_writes_can_be_read_by_another_user(world: World) -> None:
    world.start("daemon", sys.executable, "-m", "dagster._daemon", "run", "-w", "workspace.yaml")
    world.client.run_job("inventory_job")
    tags = [{"key": key, "value": value} for key, value in range_tags(STUDY.partition, STUDY.partition, 1).items()]
    params = {"selector": {**SELECTOR, "jobName": "ingest_job"}, "runConfigData": {}, "executionMetadata": {"tags": tags}}
    run = world.client.ask(LAUNCH, params=params)["launchRun"]["run"]["runId"]
    world.wait_until(lambda: world.client.ask(STATUS, id=run)["runOrError"]["status"] in ("SUCCESS", "FAILURE"))
    assert world.client.ask(STATUS, id=run)["runOrError"]["status"] == "SUCCESS", world.log("webserver")

    written = {path.name for path in world.home.rglob("*") if path.is_file()}
    assert {"pseudonym.key", "inventory.parquet", "index.db", "runs.db", f"{run}.db"} <= written
    assert [path.suffix for path in (world.home / "warehouse" / "thumbnails").rglob("*.png")] == [".png"]
    assert list((world.home / "index").rglob("*.segment"))
    assert [exposed(world.home / name) for name in ("warehouse", "index")] == [[], []]
    given = [str(world.home / "dagster"), str(world.home / "dagster" / "dagster.yaml")]  # which the operator made
    assert [path for path in exposed(world.home / "dagster") if path not in given] == []


def test_the_webserver_names_what_was_open_before_it_came(world: World) -> None:
    assert f"chmod go-rwx {world.home / 'dagster'}" in world.log("webserver")
    assert f"chmod o-rwx {world.home / 'landing'}" in world.log("webserver")
