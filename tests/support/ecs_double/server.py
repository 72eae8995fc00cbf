"""The service: a cluster with capacity providers, task definitions, tasks, and the metadata endpoint of each task."""

from __future__ import annotations

import json
import os
import sys
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.ecs_double.protocol import SERVICE, TARGET, Refused, answered, checked
from tests.support.ecs_double.rules import FARGATE, Wanted, wanted
from tests.support.ecs_double.task import Task

REGION, ACCOUNT = "us-east-1", "123456789012"
ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL_ECS"
MISSING = "MISSING"


@dataclass(frozen=True)
class Instances:
    """What all EC2 instances of a capacity provider have together. CPU units and MiB."""

    cpu: int
    memory: int
    gpus: int


class EcsDouble:
    """ECS on loopback, while a `with` block lasts.

    Args:
        folder: where the output of tasks goes; also the working folder of their processes.
        cluster: the name of its one cluster.
        instances: the capacity providers beside Fargate's two.
        unseen_describes: how many DescribeTasks do not know a new task yet, as ECS is eventually consistent.
        stop_timeout: seconds from SIGTERM to SIGKILL.
    """

    def __init__(
        self,
        folder: Path,
        cluster: str,
        instances: Mapping[str, Instances],
        unseen_describes: int = 1,
        stop_timeout: float = 30,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.cluster = folder, f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{cluster}"
        self.providers: dict[str, Instances | None] = dict.fromkeys(FARGATE) | dict(instances)
        self.tasks: list[Task] = []
        self.calls: list[str] = []
        self.refusals: list[tuple[str, str]] = []
        self._unseen_describes, self._stop_timeout = unseen_describes, stop_timeout
        self._unseen: dict[str, int] = {}
        self._definitions: dict[str, list[dict[str, Any]]] = {}
        self._by_token: dict[str, Task] = {}
        self._shortage = 0
        self._holds = False
        self._lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> EcsDouble:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for task in self.tasks:
            task.kill()
        for task in self.tasks:
            assert task.process is None or task.wait(300), task.arn
        self._server.shutdown()
        self._server.server_close()

    def take_gpus_away(self, requests: int) -> None:
        """So many RunTasks that want a GPU find none."""
        self._shortage = requests

    def hold_tasks(self) -> None:
        """New tasks stay PROVISIONING: their processes are not started."""
        self._holds = True

    def adopt(self, family: str) -> str:
        """Takes the calling process for a task of a family; its metadata's address, for ECS_CONTAINER_METADATA_URI_V4."""
        definition = self._definition(family)
        task = self._task({"taskDefinition": family}, definition, Wanted("FARGATE", 256, 512, 0))
        task.status = "RUNNING"
        self.tasks.append(task)
        return self._metadata(task)

    def interrupt(self, task: Task) -> None:
        """Takes a task's Spot capacity away: a warning by SIGTERM, and the end after `stop_timeout`."""
        task.stop("SpotInterruption", "Your Spot Task was interrupted.")

    # what the API's operations do

    def RegisterTaskDefinition(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            revisions = self._definitions.setdefault(request["family"], [])
            arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{request['family']}:{len(revisions) + 1}"
            made = {k: v for k, v in request.items() if k != "tags"}
            revisions.append(made | {"taskDefinitionArn": arn, "revision": len(revisions) + 1, "status": "ACTIVE"})
            return {"taskDefinition": revisions[-1]}

    def DescribeTaskDefinition(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"taskDefinition": self._definition(request["taskDefinition"])}

    def RunTask(self, request: dict[str, Any]) -> dict[str, Any]:
        self._check_cluster(request)
        definition = self._definition(request["taskDefinition"])
        needs = wanted(request, definition, self.providers)
        with self._lock:
            token = request.get("clientToken", uuid.uuid4().hex)
            if token in self._by_token:
                return {"tasks": [self._by_token[token].described()], "failures": []}
            if reason := self._without_room(needs):
                self.refusals.append((request_step(request), reason))
                return {"tasks": [], "failures": [{"arn": self.cluster, "reason": reason}]}
            task = self._by_token[token] = self._task(request, definition, needs)
            self.tasks.append(task)
            self._unseen[task.arn] = self._unseen_describes
            answer = {"tasks": [task.described()], "failures": []}
        if not self._holds:
            task.start()
        return answer

    def DescribeTasks(self, request: dict[str, Any]) -> dict[str, Any]:
        self._check_cluster(request)
        found, failures = [], []
        for arn in request["tasks"]:
            task = next((t for t in self.tasks if arn in (t.arn, t.id)), None)
            if task is None or self._is_unseen(task):
                failures.append({"arn": arn, "reason": MISSING})
                continue
            tags = {"tags": task.request.get("tags", [])} if "TAGS" in request.get("include", ()) else {}
            found.append(task.described() | tags)
        return {"tasks": found, "failures": failures}

    def StopTask(self, request: dict[str, Any]) -> dict[str, Any]:
        self._check_cluster(request)
        task = next((t for t in self.tasks if request["task"] in (t.arn, t.id)), None)
        if task is None:
            raise Refused("InvalidParameterException", "The referenced task was not found.")
        task.stop("UserInitiated", request.get("reason", "Task stopped by user"))
        return {"task": task.described()}

    def ListTagsForResource(self, request: dict[str, Any]) -> dict[str, Any]:
        task = next((t for t in self.tasks if t.arn == request["resourceArn"]), None)
        if task is None:
            raise Refused("InvalidParameterException", "The specified resource was not found.")
        return {"tags": task.request.get("tags", [])}

    def _check_cluster(self, request: Mapping[str, Any]) -> None:
        if request.get("cluster", "default") not in (self.cluster, self.cluster.rpartition("/")[2]):
            raise Refused("ClusterNotFoundException", "Cluster not found.")

    def _definition(self, name: str) -> dict[str, Any]:
        family, _, revision = name.rpartition("/")[2].partition(":")
        revisions = self._definitions.get(family, [])
        if not revisions or not 1 <= int(revision or len(revisions)) <= len(revisions):
            raise Refused("ClientException", "Unable to describe task definition.")
        return revisions[int(revision or len(revisions)) - 1]

    def _without_room(self, needs: Wanted) -> str | None:
        instances = self.providers[needs.provider]
        if instances is None:
            return None
        if needs.gpus and self._shortage:
            self._shortage -= 1
            return "RESOURCE:GPU"
        there = [t.wanted for t in self.tasks if t.wanted.provider == needs.provider and not t.is_over]
        for name in ("gpus", "cpu", "memory"):
            if getattr(needs, name) + sum(getattr(w, name) for w in there) > getattr(instances, name):
                return f"RESOURCE:{'GPU' if name == 'gpus' else name.upper()}"
        return None

    def _task(self, request: dict[str, Any], definition: dict[str, Any], needs: Wanted) -> Task:
        (container,) = definition["containerDefinitions"]  # of one container, as the pipeline's tasks are
        overrides: list[dict[str, Any]] = request.get("overrides", {}).get("containerOverrides") or [{}]
        (override,) = overrides
        arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/{self.cluster.rpartition('/')[2]}/{uuid.uuid4().hex}"
        task = Task(
            arn=arn,
            cluster=self.cluster,
            definition=definition,
            container=container["name"],
            command=override.get("command") or container.get("command") or [],
            environment={},
            wanted=needs,
            request=request,
            folder=self.folder,
            stop_timeout=self._stop_timeout,
        )
        given: Sequence[Mapping[str, str]] = [*container.get("environment", ()), *override.get("environment", ())]
        of_the_agent = {"ECS_CONTAINER_METADATA_URI_V4": self._metadata(task), ENDPOINT_VARIABLE: self.url}
        of_the_image = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
        task.environment = of_the_image | of_the_agent | {pair["name"]: pair["value"] for pair in given}
        return task

    def _metadata(self, task: Task) -> str:
        return f"{self.url}/v4/{task.id}"

    def _is_unseen(self, task: Task) -> bool:
        with self._lock:
            left = self._unseen.get(task.arn, 0)
            self._unseen[task.arn] = max(0, left - 1)
            return left > 0

    def _described_inside(self, path: str) -> dict[str, Any] | None:
        """What a container is told of itself: /v4/ID is the container, /v4/ID/task its task."""
        _, version, task_id, *rest = path.split("/")
        task = next((t for t in self.tasks if t.id == task_id), None)
        if version != "v4" or task is None or rest not in ([], ["task"]):
            return None
        if rest:
            return {"Cluster": self.cluster, "TaskARN": task.arn, "Family": task.definition["family"]}
        return {"Name": task.container, "DockerId": task.id}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                return

            def do_GET(self) -> None:
                told = double._described_inside(self.path)
                self._send(404 if told is None else 200, told or {}, "application/json")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                try:
                    self._send(200, double._answer(dict(self.headers), body))
                except Refused as refusal:
                    self._send(400, {"__type": refusal.code, "message": str(refusal)})

            def _send(self, status: int, told: Mapping[str, Any], kind: str = "application/x-amz-json-1.1") -> None:
                body = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return Handler

    def _answer(self, headers: Mapping[str, str], body: bytes) -> Mapping[str, Any]:
        prefix, _, operation = headers.get("X-Amz-Target", "").partition(".")
        if prefix != TARGET or operation not in SERVICE.operation_names:
            raise Refused("UnknownOperationException", "")
        if f"/{REGION}/ecs/aws4_request" not in headers.get("Authorization", ""):
            raise Refused("MissingAuthenticationToken", "Missing Authentication Token")
        perform: Callable[[dict[str, Any]], dict[str, Any]] | None = getattr(self, operation, None)
        if perform is None:
            raise Refused("ServerException", f"the double has no {operation}")
        request = json.loads(body or b"{}")
        self.calls.append(operation)
        checked(operation, request)
        return answered(operation, perform(request))


def request_step(request: Mapping[str, Any]) -> str:
    """The step that a RunTask is for; empty where it is for a run."""
    tags = {tag["key"]: tag["value"] for tag in request.get("tags", ())}
    return tags.get("dagster/step-key", "")
