"""One long-lived code server: the process that loads the definitions once, answers Dagster, and starts every run.

A workspace that names a Python module makes the daemon start a new code server about once a minute. One that names a server
does not. The server listens on a socket that only its user can open, because anyone who can reach it can run code.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._grpc.client import DagsterGrpcClient

MODULE = "medsearch_pipeline.definitions"
LOCATION = "medsearch"
READY_SECONDS = 5
MAX_SOCKET_PATH = 100
"""Bytes; the kernel allows 107."""

ENVIRONMENT = {
    "DAGSTER_EVENT_BATCH_SIZE": "1000",
    "DAGSTER_GRPC_TIMEOUT_SECONDS": "120",
    "DAGSTER_BACKFILL_RETRY_DEFINITION_CHANGED_ERROR": "1",
}
"""Variables that webserver, daemon and code server need, which Dagster reads only from the environment
(docs/operations.md)."""


@dataclass(frozen=True)
class CodeServer:
    """The code server of a Dagster home, which is a folder that exists.

    A supervisor starts `command`, waits for `is_ready`, and gives the file of `write_workspace` to webserver and daemon.
    """

    home: Path

    @property
    def socket(self) -> Path:
        """Where it listens: in its home, or in the folder for temporary files if that path is too long."""
        home = self.home.absolute()
        folder = home / "code-server"
        if len(os.fsencode(folder)) > MAX_SOCKET_PATH:
            folder = Path(tempfile.gettempdir()) / f"medsearch-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"
        return _private(folder) / "socket"

    @property
    def command(self) -> list[str]:
        """The command that starts it. It exits at once if the definitions cannot be loaded."""
        given = ["--socket", str(self.socket), "--module-name", MODULE, "--location-name", LOCATION]
        return [sys.executable, "-m", "dagster", "api", "grpc", *given]

    def write_workspace(self) -> Path:
        """Writes the workspace file that names it, and returns the file's path."""
        file = self.home.absolute() / "workspace.yaml"
        server = {"socket": str(self.socket), "location_name": LOCATION}
        file.write_text(json.dumps({"load_from": [{"grpc_server": server}]}, indent=2) + "\n")  # JSON is YAML
        return file

    def is_ready(self) -> bool:
        """Whether it has loaded the definitions and responds."""
        try:
            return bool(DagsterGrpcClient(socket=str(self.socket)).get_server_id(timeout=READY_SECONDS))
        except DagsterUserCodeUnreachableError:
            return False


def _private(folder: Path) -> Path:
    """The folder, accessible only to this user.

    Raises:
        PermissionError: it belongs to another user, or others can enter it.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder} must be accessible only to this user: remove it, and try again")
    return folder
