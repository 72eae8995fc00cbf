"""The few calls to Dagster's GraphQL that the demo makes: what a data engineer clicks in its UI."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from medsearch_core.errors import MedsearchError

SELECTOR = {"repositoryName": "__repository__", "repositoryLocationName": "medsearch"}
POLL_SECONDS = 1.0

_LAUNCH_RUN = """
mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
_RUN = """
query($id: ID!) { runOrError(runId: $id) { __typename ... on Run { status } } }"""
_LAUNCH_BACKFILL = """
mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
_BACKFILL = """
query($id: String!) { partitionBackfillOrError(backfillId: $id) { __typename ... on PartitionBackfill {
  status
  assetBackfillData { assetBackfillStatuses { ... on AssetPartitionsStatusCounts {
    assetKey { path } numPartitionsTargeted numPartitionsMaterialized numPartitionsFailed } } } } } }"""
_STATS = """
query($keys: [AssetKeyInput!]) { assetNodes(assetKeys: $keys) {
  assetKey { path } partitionStats { numPartitions numMaterialized } } }"""
_MESSAGES = """
query($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { runs(limit: 1) { runId status } } } }"""
_LOGS = """
query($id: ID!, $cursor: String) { logsForRun(runId: $id, afterCursor: $cursor) { ... on EventConnection {
  cursor events { __typename ... on LogMessageEvent { message } } } } }"""


@dataclass(frozen=True)
class AssetProgress:
    """How far a backfill is with one asset, in partitions."""

    asset: str
    targeted: int
    materialized: int
    failed: int


class DagsterClient:
    """A client of one Dagster webserver."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of a GraphQL answer; raises `MedsearchError` when Dagster reports errors."""
        answer = self._http.post("/graphql", json={"query": query, "variables": variables}).json()
        if answer.get("errors"):
            raise MedsearchError(f"Dagster refused: {answer['errors'][0]['message']}")
        return answer["data"]

    def is_ready(self) -> bool:
        """Whether the webserver answers and has loaded the project."""
        try:
            nodes = self.ask(_STATS, keys=[{"path": ["inventory"]}])["assetNodes"]
        except (httpx.HTTPError, MedsearchError, ValueError):
            return False
        return bool(nodes)

    def run_job(self, job: str) -> None:
        """Launches a job and waits until it has succeeded."""
        params = {"selector": {**SELECTOR, "jobName": job}, "runConfigData": {}}
        launched = self.ask(_LAUNCH_RUN, params=params)["launchRun"]
        run_id = launched.get("run", {}).get("runId")
        if not run_id:
            raise MedsearchError(f"{job} could not be launched: {launched.get('message', launched['__typename'])}")
        while (status := self.ask(_RUN, id=run_id)["runOrError"]["status"]) not in ("SUCCESS", "FAILURE", "CANCELED"):
            time.sleep(POLL_SECONDS)
        if status != "SUCCESS":
            raise MedsearchError(f"{job} ended as {status}: see run {run_id} in Dagster's UI")

    def partition_counts(self, asset: str) -> tuple[int, int]:
        """How many partitions an asset has, and how many are materialised."""
        stats = self.ask(_STATS, keys=[{"path": [asset]}])["assetNodes"][0]["partitionStats"]
        return stats["numPartitions"], stats["numMaterialized"]

    def launch_backfill(self, assets: Sequence[str]) -> str:
        """Launches a backfill of all partitions of these assets; returns its id."""
        params = {"assetSelection": [{"path": [a]} for a in assets], "allPartitions": True, "title": "Ingest everything"}
        launched = self.ask(_LAUNCH_BACKFILL, params=params)["launchPartitionBackfill"]
        if "backfillId" not in launched:
            raise MedsearchError(f"the backfill could not be launched: {launched.get('message', launched['__typename'])}")
        return launched["backfillId"]

    def follow_backfill(self, backfill_id: str, show: Callable[[Sequence[AssetProgress], str], None]) -> None:
        """Calls `show` with each asset's progress and the newest log line until the backfill has ended well."""
        newest: dict[str, str] = {"message": ""}
        cursor: dict[str, str] = {}
        while True:
            backfill = self.ask(_BACKFILL, id=backfill_id)["partitionBackfillOrError"]
            self._read_log(backfill_id, cursor, newest)
            statuses = (backfill["assetBackfillData"] or {}).get("assetBackfillStatuses", [])
            show([_progress(s) for s in statuses if s], newest["message"])
            if backfill["status"] in ("COMPLETED_SUCCESS", "COMPLETED"):
                return
            if backfill["status"] in ("FAILED", "CANCELED", "COMPLETED_FAILED"):
                raise MedsearchError(f"backfill {backfill_id} ended as {backfill['status']}: see it in Dagster's UI")
            time.sleep(POLL_SECONDS)

    def _read_log(self, backfill_id: str, cursor: dict[str, str], newest: dict[str, str]) -> None:
        runs = self.ask(_MESSAGES, id=backfill_id)["partitionBackfillOrError"].get("runs", [])
        for run in runs[:1]:
            log = self.ask(_LOGS, id=run["runId"], cursor=cursor.get(run["runId"]))["logsForRun"]
            cursor[run["runId"]] = log.get("cursor", "")
            for event in log.get("events", []):
                if event["__typename"] == "LogMessageEvent":
                    newest["message"] = event["message"]


def _progress(status: Mapping[str, Any]) -> AssetProgress:
    return AssetProgress(
        asset="/".join(status["assetKey"]["path"]),
        targeted=status["numPartitionsTargeted"],
        materialized=status["numPartitionsMaterialized"],
        failed=status["numPartitionsFailed"],
    )
