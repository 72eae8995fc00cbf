"""The few Dagster GraphQL calls that commands need: what a data engineer does in the UI."""

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
  status runs(limit: 1) { runId } } } }"""
_START_SENSOR = """
mutation($selector: SensorSelector!) { startSensor(sensorSelector: $selector) {
  __typename ... on PythonError { message } ... on UnauthorizedError { message } } }"""
_STATS = """
query($keys: [AssetKeyInput!]) { assetNodes(assetKeys: $keys) {
  assetKey { path } partitionStats { numPartitions numMaterialized } } }"""
_INSTANCE = "{ instance { info } }"
_LOGS = """
query($id: ID!, $cursor: String) { logsForRun(runId: $id, afterCursor: $cursor) { ... on EventConnection {
  cursor events { __typename ... on LogMessageEvent { message } } } } }"""


@dataclass(frozen=True)
class AssetProgress:
    """The progress of one asset, in partitions."""

    asset: str
    partitions: int
    materialized: int

    @property
    def is_complete(self) -> bool:
        """Whether no partition is missing."""
        return self.materialized == self.partitions


class DagsterClient:
    """A client of one Dagster webserver."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of a GraphQL response; raises `MedsearchError` if Dagster reports errors."""
        answer = self._http.post("/graphql", json={"query": query, "variables": variables}).json()
        if answer.get("errors"):
            raise MedsearchError(f"Dagster reported an error: {answer['errors'][0]['message']}")
        return answer["data"]

    def is_ready(self) -> bool:
        """Whether the webserver responds and has loaded the project."""
        try:
            nodes = self.ask(_STATS, keys=[{"path": ["inventory"]}])["assetNodes"]
        except (httpx.HTTPError, MedsearchError, ValueError):
            return False
        return bool(nodes)

    def run_job(self, job: str) -> None:
        """Launches a job and waits until it has succeeded."""
        run_id = self.launch_run(job)
        while (status := self.ask(_RUN, id=run_id)["runOrError"]["status"]) not in ("SUCCESS", "FAILURE", "CANCELED"):
            time.sleep(POLL_SECONDS)
        if status != "SUCCESS":
            raise MedsearchError(f"{job} ended as {status}: see run {run_id} in Dagster's UI")

    def launch_run(self, job: str, tags: Mapping[str, str] | None = None) -> str:
        """Launches a job, which the daemon then starts; returns the run's id."""
        params = {
            "selector": {**SELECTOR, "jobName": job},
            "runConfigData": {},
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in (tags or {}).items()]},
        }
        launched = self.ask(_LAUNCH_RUN, params=params)["launchRun"]
        run_id: str | None = launched.get("run", {}).get("runId")
        if not run_id:
            raise MedsearchError(f"{job} could not be launched: {launched.get('message', launched['__typename'])}")
        return run_id

    def instance_info(self) -> str:
        """The configuration of the webserver's Dagster instance as YAML."""
        info: str = self.ask(_INSTANCE)["instance"]["info"]
        return info

    def progress(self, assets: Sequence[str]) -> list[AssetProgress]:
        """The current progress of each asset."""
        nodes = self.ask(_STATS, keys=[{"path": [asset]} for asset in assets])["assetNodes"]
        return [
            AssetProgress(
                asset="/".join(node["assetKey"]["path"]),
                partitions=node["partitionStats"]["numPartitions"],
                materialized=node["partitionStats"]["numMaterialized"],
            )
            for node in nodes
        ]

    def start_sensor(self, sensor: str) -> None:
        """Starts a sensor."""
        started = self.ask(_START_SENSOR, selector={**SELECTOR, "sensorName": sensor})["startSensor"]
        if started["__typename"] != "Sensor":
            raise MedsearchError(f"{sensor} could not be started: {started.get('message', started['__typename'])}")

    def launch_backfill(self, assets: Sequence[str]) -> str:
        """Launches a backfill of all partitions of these assets; returns its id."""
        params = {"assetSelection": [{"path": [a]} for a in assets], "allPartitions": True, "title": "Ingest everything"}
        launched = self.ask(_LAUNCH_BACKFILL, params=params)["launchPartitionBackfill"]
        if "backfillId" not in launched:
            raise MedsearchError(f"the backfill could not be launched: {launched.get('message', launched['__typename'])}")
        return launched["backfillId"]

    def follow_backfill(
        self, backfill_id: str, assets: Sequence[str], show: Callable[[Sequence[AssetProgress], str], None]
    ) -> None:
        """Calls `show` with each asset's progress and the newest log line until all partitions of all assets are materialized.

        The daemon notices the end of a backfill up to 30 s later.
        """
        log = RunLog(self)
        while True:
            backfill = self.ask(_BACKFILL, id=backfill_id)["partitionBackfillOrError"]
            progress = self.progress(assets)
            show(progress, log.newest([run["runId"] for run in backfill["runs"]]))
            if all(p.is_complete for p in progress):
                return
            if backfill["status"] not in ("REQUESTED", "CANCELING"):
                raise MedsearchError(f"backfill {backfill_id} ended as {backfill['status']}: see it in Dagster's UI")
            time.sleep(POLL_SECONDS)


class RunLog:
    """The newest log line of a run, read from where the last read ended."""

    def __init__(self, client: DagsterClient) -> None:
        self._client = client
        self._cursor: dict[str, str] = {}
        self._message = ""

    def newest(self, run_ids: Sequence[str]) -> str:
        """The newest line of any of these runs; empty if there is none yet."""
        for run_id in run_ids:
            events = self._client.ask(_LOGS, id=run_id, cursor=self._cursor.get(run_id))["logsForRun"]
            self._cursor[run_id] = events["cursor"]
            lines = [e["message"] for e in events["events"] if e["__typename"] == "LogMessageEvent"]
            self._message = lines[-1] if lines else self._message
        return self._message
