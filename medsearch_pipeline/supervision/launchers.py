"""Starting a run: queued through the webserver, or in a separate process without webserver and daemon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from typing import IO, Protocol

import dagster as dg
import httpx
import yaml

from medsearch_core.errors import ConfigurationError, MedsearchError
from medsearch_pipeline.orchestration.code_server import ENVIRONMENT, MODULE
from medsearch_pipeline.orchestration.run_tags import HIDDEN
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.supervision.dagster_client import DagsterClient

TOKEN_TAG = f"{HIDDEN}launch"
POLL_SECONDS = 0.5
STORAGES = ("local_artifact_storage", "run_storage", "event_log_storage")


class Launcher(Protocol):
    """Starts runs."""

    description: str
    """Where runs are started, as a description."""

    def launch(self, job: str, tags: Mapping[str, str]) -> str:
        """Starts a run of a job, or queues it; returns its id."""

    def look_after(self, run_id: str) -> None:
        """Reports a run as failed if its process ended without reporting a result."""


class WebserverLauncher:
    """Queues runs through Dagster's webserver."""

    def __init__(self, client: DagsterClient, url: str) -> None:
        self.description = f"Dagster's webserver at {url}"
        self._client = client

    def launch(self, job: str, tags: Mapping[str, str]) -> str:
        return self._client.launch_run(job, tags)

    def look_after(self, run_id: str) -> None:
        """Left to Dagster's daemon."""


class ProcessLauncher:
    """Runs jobs in processes of this machine, one at a time, without webserver and daemon."""

    description = "a separate process, because no webserver of this DAGSTER_HOME responds"

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def launch(self, job: str, tags: Mapping[str, str]) -> str:
        token = uuid.uuid4().hex
        named = json.dumps({**tags, TOKEN_TAG: token})
        command = [sys.executable, "-m", "dagster", "job", "execute", "-m", MODULE, "-j", job, "--tags", named]
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(  # noqa: S603 - our own module
                command, env=os.environ | ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            run_id = self._wait_for(token, process, job, log)
        self._processes[run_id] = process
        return run_id

    def look_after(self, run_id: str) -> None:
        process = self._processes[run_id]
        if process.poll() is None:
            return
        run = self._instance.get_run_by_id(run_id)
        if run and not run.is_finished:
            self._instance.report_run_failed(run, f"its process ended with status {process.returncode}")

    def _wait_for(self, token: str, process: subprocess.Popen[bytes], job: str, log: IO[bytes]) -> str:
        while True:
            has_ended = process.poll() is not None
            runs = self._instance.get_runs(dg.RunsFilter(tags={TOKEN_TAG: token}), limit=1)
            if runs:
                return runs[0].run_id
            if has_ended:
                log.seek(0)
                last = log.read().decode(errors="replace").strip().splitlines()[-1:] or [f"status {process.returncode}"]
                raise MedsearchError(f"{job} could not be started: {last[0]}")
            time.sleep(POLL_SECONDS)


def choose_launcher(settings: Settings, instance: dg.DagsterInstance) -> Launcher:
    """The webserver of this instance, if it responds at `MEDSEARCH_DAGSTER_URL`; otherwise a separate process.

    Raises:
        ConfigurationError: no webserver responds, and steps run on ECS, which requires a queued run.
    """
    client = DagsterClient(settings.dagster_url.rstrip("/"))
    if client.is_ready() and _is_of(instance, client):
        return WebserverLauncher(client, settings.dagster_url)
    if settings.executor == "ecs":
        raise ConfigurationError(
            f"MEDSEARCH_DAGSTER_URL={settings.dagster_url}: no webserver of this DAGSTER_HOME responds there, and steps on ECS "
            "need one: start it, or correct the URL"
        )
    return ProcessLauncher(instance)


def _is_of(instance: dg.DagsterInstance, client: DagsterClient) -> bool:
    """Whether a webserver has the same Dagster home: another one may use the default port."""
    try:
        theirs, ours = _storages(client.instance_info()), _storages(instance.info_str())
    except (MedsearchError, httpx.HTTPError, ValueError, LookupError, TypeError, yaml.YAMLError):
        return False
    return theirs == ours


def _storages(info: str) -> dict[str, object]:
    """Where an instance keeps its state. Its other parts are described only once they have been used."""
    parts = yaml.safe_load(info)
    return {name: parts[name] for name in STORAGES}
