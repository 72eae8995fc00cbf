"""A task: the process of its one container, from start to stop, and what DescribeTasks says of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.ecs_double.rules import Wanted


@dataclass
class Task:
    """One task. `command` runs with `environment` and nothing else, as a container would."""

    arn: str
    cluster: str
    definition: Mapping[str, Any]
    container: str
    command: Sequence[str]
    environment: Mapping[str, str]
    wanted: Wanted
    request: Mapping[str, Any]
    folder: Path
    stop_timeout: float
    status: str = "PROVISIONING"
    stop_code: str | None = None
    stopped_reason: str | None = None
    exit_code: int | None = None
    created: float = field(default_factory=time.time)
    stopped: float | None = None
    process: subprocess.Popen[bytes] | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def id(self) -> str:
        """What its ARN ends with."""
        return self.arn.rpartition("/")[2]

    @property
    def tags(self) -> dict[str, str]:
        """Those of its request."""
        return {tag["key"]: tag["value"] for tag in self.request.get("tags", ())}

    @property
    def log(self) -> Path:
        """What its process printed."""
        return self.folder / f"{self.id}.log"

    @property
    def is_over(self) -> bool:
        """Whether it has stopped."""
        return self._over.is_set()

    def start(self) -> None:
        """Starts the process, in a group of its own, and a thread that waits for its end."""
        with self._lock, self.log.open("wb") as log:
            command = [shutil.which(self.command[0], path=self.environment["PATH"]) or self.command[0], *self.command[1:]]
            try:
                self.process = subprocess.Popen(
                    command,
                    env=dict(self.environment),
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            except OSError as error:
                self.stop_code, self.stopped_reason = "TaskFailedToStart", f"CannotStartContainerError: {error}"
                return self._end(None)
            self.status = "RUNNING"
        threading.Thread(target=self._wait, daemon=True).start()

    def stop(self, code: str, reason: str) -> None:
        """SIGTERM to the first process of the container, and SIGKILL to all of it after `stop_timeout`: as ECS stops a task."""
        with self._lock:
            if self.is_over or self.stop_code:
                return
            self.stop_code, self.stopped_reason, self.status = code, reason, "STOPPING"
            if self.process is None:
                return self._end(None)
            self.process.send_signal(signal.SIGTERM)
        killer = threading.Timer(self.stop_timeout, self.kill)
        killer.daemon = True
        killer.start()

    def lose_host(self) -> None:
        """Its machine is gone from one moment to the next. Nobody sees how the process ended."""
        with self._lock:
            self.stop_code, self.stopped_reason = "TerminationNotice", "Host EC2 (instance i-0123456789abcdef0) terminated."
            self.status = "STOPPING"
        self.kill()

    def kill(self) -> None:
        """SIGKILL to everything in the container."""
        if self.process and not self.is_over:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    def wait(self, seconds: float) -> bool:
        """Waits until it has stopped; whether it has."""
        return self._over.wait(seconds)

    def described(self) -> dict[str, Any]:
        """It as DescribeTasks tells it, without its tags."""
        container: dict[str, Any] = {"name": self.container, "taskArn": self.arn, "lastStatus": self.status}
        if self.exit_code is not None:
            container["exitCode"] = self.exit_code
        told: dict[str, Any] = {
            "taskArn": self.arn,
            "clusterArn": self.cluster,
            "taskDefinitionArn": self.definition["taskDefinitionArn"],
            "capacityProviderName": self.wanted.provider,
            "launchType": "FARGATE" if self.wanted.is_fargate else "EC2",
            "cpu": str(self.wanted.cpu),
            "memory": str(self.wanted.memory),
            "lastStatus": self.status,
            "desiredStatus": "STOPPED" if self.stop_code else "RUNNING",
            "createdAt": self.created,
            "containers": [container],
            "overrides": self.request.get("overrides", {}),
            "attachments": [],
        }
        late = {"stopCode": self.stop_code, "stoppedReason": self.stopped_reason, "stoppedAt": self.stopped}
        return told | {name: value for name, value in late.items() if value is not None}

    def _wait(self) -> None:
        assert self.process
        code = self.process.wait()
        self.kill()  # what the first process left behind
        with self._lock:
            if self.stop_code is None:
                self.stop_code, self.stopped_reason = "EssentialContainerExited", "Essential container in task exited"
            self._end(None if self.stop_code == "TerminationNotice" else code if code >= 0 else 128 - code)

    def _end(self, code: int | None) -> None:
        self.exit_code, self.stopped, self.status = code, time.time(), "STOPPED"
        self._over.set()
