"""Where the day happens: an S3 and SQS API, a code server, a Dagster daemon, and what can be asked of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import boto3
import dagster as dg
import psutil
import yaml
from dagster._core.scheduler.instigation import InstigatorTick

from medsearch_core.columns import records_of
from medsearch_core.records import LandedObject
from medsearch_core.storage.object_store import S3Options
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.intake.inventory import current_inventory
from medsearch_pipeline.orchestration.code_server import ENVIRONMENT, CodeServer
from medsearch_pipeline.supervision.ports import free_port
from medsearch_pipeline.supervision.processes import Processes, answers
from tests.support.paths import PROJECT_ROOT
from tests.support.s3 import CREDENTIALS
from tests.support.waiting import wait_until

PROJECT = PROJECT_ROOT
BUCKET, QUEUE, DEAD_LETTERS = "hospital", "landed", "landed-dead-letters"
NEVER = "0 0 29 2 *"
"""Nearly: the day makes its inventories and ledgers itself, whatever the hour it is lived at."""


class Place:
    """A bucket that notifies a queue, and a daemon whose sensors watch both. Lives as long as a `with` block."""

    def __init__(self, home: Path, settings: Mapping[str, str], monitoring: Mapping[str, int] | None = None) -> None:
        self.home = home
        port = free_port(5000)
        self.endpoint = f"http://127.0.0.1:{port}"
        self.environment = (
            os.environ
            | CREDENTIALS
            | ENVIRONMENT
            | {
                "DAGSTER_HOME": str(home / "dagster"),
                "MEDSEARCH_LANDING": f"s3://{BUCKET}/landing",
                "MEDSEARCH_WAREHOUSE": str(home / "warehouse"),
                "MEDSEARCH_INDEX": str(home / "index"),
                "MEDSEARCH_S3_ENDPOINT": self.endpoint,
                "MEDSEARCH_S3_REGION": "us-east-1",
                "MEDSEARCH_SQS_ENDPOINT": self.endpoint,
                "MEDSEARCH_EVENTS_QUEUE": f"{self.endpoint}/123456789012/{QUEUE}",
                "MEDSEARCH_MODEL": "efficientnet_lite0",
                "MEDSEARCH_WEIGHTS": "imagenet",
                "MEDSEARCH_SENSORS": "running",
                "MEDSEARCH_INVENTORY_CRON": NEVER,
                "MEDSEARCH_LEDGER_CRON": NEVER,
            }
            | dict(settings)
        )
        self._before = dict(os.environ)
        os.environ.update(self.environment)  # this process reads settings and instance as the daemon does
        self.processes = Processes(home / "logs", self.environment)
        self.processes.start("aws", [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)])
        self.processes.wait_until("aws", lambda: answers(f"{self.endpoint}/moto-api/data.json"))
        self.s3 = boto3.client("s3", endpoint_url=self.endpoint)
        self.sqs = boto3.client("sqs", endpoint_url=self.endpoint)
        self._make_bucket()
        self._make_dagster_home(monitoring or {})
        self.instance = dg.DagsterInstance.get()
        self.warehouse = Warehouse(open_store(str(home / "warehouse")))
        self.landing = open_store(f"s3://{BUCKET}/landing", S3Options(self.endpoint, "us-east-1"))
        code = CodeServer(home / "dagster")
        self.processes.start("code-server", code.command)
        self.processes.wait_until("code-server", code.is_ready)
        self._workspace = code.write_workspace()
        self._daemon: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_daemon()
        self.processes.stop()
        os.environ.clear()
        os.environ.update(self._before)

    def _make_bucket(self) -> None:
        self.s3.create_bucket(Bucket=BUCKET)
        dead = self.sqs.create_queue(QueueName=DEAD_LETTERS)["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "3"})
        attributes = {"VisibilityTimeout": "5", "RedrivePolicy": redrive}
        self.queue = self.sqs.create_queue(QueueName=QUEUE, Attributes=attributes)["QueueUrl"]
        self.dead_letters = dead
        self.notify(True)

    def notify(self, is_on: bool) -> None:
        """Whether the bucket tells the queue what happens in it."""
        to = {"QueueArn": f"arn:aws:sqs:us-east-1:123456789012:{QUEUE}", "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
        configuration: dict[str, Any] = {"QueueConfigurations": [to]} if is_on else {}
        self.s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=configuration)

    def _make_dagster_home(self, monitoring: Mapping[str, int]) -> None:
        (self.home / "dagster").mkdir(parents=True, exist_ok=True)
        configured = yaml.safe_load((PROJECT / "dagster.yaml").read_text())
        configured["run_monitoring"] |= monitoring
        (self.home / "dagster" / "dagster.yaml").write_text(yaml.safe_dump(configured))

    def start_daemon(self) -> None:
        """Starts Dagster's daemon."""
        with (self.home / "logs" / "daemon.log").open("ab") as log:
            self._daemon = subprocess.Popen(
                [sys.executable, "-m", "dagster._daemon", "run", "-w", str(self._workspace)],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill_daemon(self) -> None:
        """kill -9 of the daemon alone; the code server and its runs go on."""
        assert self._daemon
        self._daemon.kill()
        self._daemon.wait()

    def stop_daemon(self) -> None:
        """Ends the daemon and everything it started."""
        if self._daemon:
            try:
                os.killpg(self._daemon.pid, signal.SIGTERM)
                self._daemon.wait(300)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass
            for process in self._ours():
                process.kill()

    def kill_run(self) -> str | None:
        """kill -9 of the process of a run that works; its id, None while none does."""
        for run in self.runs(dg.DagsterRunStatus.STARTED):
            for record in self.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
                pid = record.get_dagster_event().engine_event_data.metadata.get("pid")
                if pid and _killed(int(str(pid.value))):
                    return run.run_id
        return None

    def _ours(self) -> list[psutil.Process]:
        """Every process with this place's DAGSTER_HOME but this one and the AWS API."""
        mine = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("DAGSTER_HOME") == str(self.home / "dagster") and process.pid != os.getpid():
                    mine.append(process)
            except psutil.Error:
                continue
        return [p for p in mine if "moto" not in " ".join(_command(p))]

    def send(self, body: str) -> None:
        """Puts a message into the queue, as S3 or anybody might."""
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=body)

    def event(self, name: str, key: str) -> str:
        """An S3 event notification about a landing key."""
        record = {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventName": name,
            "s3": {"bucket": {"name": BUCKET}, "object": {"key": quote_plus(f"landing/{key}"), "size": 1, "eTag": "0"}},
        }
        return json.dumps({"Records": [record]})

    def waiting_messages(self, queue: str) -> int:
        """How many messages a queue holds, seen or unseen."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def known(self) -> list[LandedObject]:
        """What sensors and inventory have noticed so far."""
        return records_of(LandedObject, current_inventory(self.warehouse))

    def contents(self) -> dict[str, str]:
        """Path → tag of everything in the warehouse but the intake's own state."""
        return {o.key: o.etag for o in self.warehouse.store.list() if not o.key.startswith("intake/")}

    def wait_for_a_whole_scan(self, seconds: float = 1800) -> None:
        """Waits until `landing_sensor` has looked at the whole store, from its beginning, since now."""
        for _ in range(2):
            since = time.time()
            wait_until("a whole scan", partial(self._has_scanned, since), seconds)

    def _has_scanned(self, since: float) -> bool:
        """Whether a tick has reached the end of the store, after which the cursor is at the beginning again."""
        ended = [tick for tick in self.ticks("landing_sensor", since) if tick.skip_reason and tick.cursor]
        return any(json.loads(tick.cursor or "")["after"] == "" for tick in ended)

    def ticks(self, sensor: str, since: float = 0.0) -> list[InstigatorTick]:
        """What a sensor did since then, the last first."""
        states = [state for state in self.instance.all_instigator_state() if state.instigator_name == sensor]
        found = [self.instance.get_ticks(s.instigator_origin_id, s.selector_id, after=since or None) for s in states]
        return [tick for ticks in found for tick in ticks]

    def last_check(self, asset: str, name: str) -> bool | None:
        """Whether an asset check passed when it was last made; None if it never was."""
        key = dg.AssetCheckKey(dg.AssetKey(asset), name)
        records = self.instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
        entry = records[0].event if records else None
        event = entry.dagster_event if entry else None
        return getattr(event.event_specific_data, "passed", None) if event else None

    def runs(self, *statuses: dg.DagsterRunStatus) -> list[dg.DagsterRun]:
        """The runs in these states; all, if none are given."""
        return list(self.instance.get_runs(dg.RunsFilter(statuses=list(statuses)) if statuses else None))


def _killed(pid: int) -> bool:
    """kill -9 of a process; whether there was one."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
