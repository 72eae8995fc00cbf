"""A Postgres server of one's own: a cluster in a temporary folder, on a free port of this machine, gone after the block."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

USER = "medsearch"
START_SECONDS = 300.0


@contextmanager
def postgres(*settings: str) -> Iterator[dict[str, str]]:
    """Starts a server and yields the environment variables by which docker/dagster.yaml finds it.

    Args:
        settings: what differs from Postgres's own defaults, as `fsync=off`.

    Raises:
        RuntimeError: Postgres is not installed, or did not start; the message holds what it said.
    """
    folder = Path(tempfile.mkdtemp(prefix="medsearch-postgres-"))
    owner = _owner(folder)
    password = secrets.token_hex(16)
    (folder / "password").write_text(password)
    (folder / "password").chmod(0o644)  # read by another user, from a folder that is that user's alone
    data, log = folder / "data", folder / "log"
    given = ["-D", str(data), "-U", USER, "-A", "scram-sha-256", "--pwfile", str(folder / "password"), "-E", "UTF8"]
    server = None
    try:
        made = subprocess.run(
            [program("initdb"), *given, "--locale=C.UTF-8"], capture_output=True, text=True, cwd=folder, **owner
        )
        if made.returncode:
            raise RuntimeError(f"Postgres could not make its folder: {made.stderr}")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        options = ["listen_addresses=127.0.0.1", "unix_socket_directories=", f"port={port}", *settings]
        with log.open("wb") as out:
            command = [program("postgres"), "-D", str(data), *(part for o in options for part in ("-c", o))]
            server = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder, **owner)
        _wait(server, port, log)
        yield {
            "DAGSTER_POSTGRES_HOST": "127.0.0.1",
            "DAGSTER_POSTGRES_PORT": port,
            "DAGSTER_POSTGRES_DB": "postgres",
            "DAGSTER_POSTGRES_USER": USER,
            "DAGSTER_POSTGRES_PASSWORD": password,
        }
    finally:
        if server:
            server.send_signal(signal.SIGINT)  # a fast shutdown: clients are cut off
            server.wait()
        shutil.rmtree(folder)


def new_database(server: dict[str, str]) -> dict[str, str]:
    """The environment variables of an empty database beside the server's first."""
    name = f"test_{secrets.token_hex(4)}"
    given = ["-h", server["DAGSTER_POSTGRES_HOST"], "-p", server["DAGSTER_POSTGRES_PORT"], "-U", USER, name]
    subprocess.run([program("createdb"), *given], env={"PGPASSWORD": server["DAGSTER_POSTGRES_PASSWORD"]}, check=True)
    return {**server, "DAGSTER_POSTGRES_DB": name}


def program(name: str) -> str:
    """The path of one of Postgres's programs; Debian keeps its servers' off the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(map(str, folders)))
    if not found:
        raise RuntimeError("Postgres is not installed: apt-get install postgresql")
    return found


def _owner(folder: Path) -> dict[str, Any]:
    """As whom the server runs: it refuses to run as root, so root's runs as the package's user."""
    if os.getuid() != 0:
        return {}
    shutil.chown(folder, "postgres", "postgres")
    return {"user": "postgres", "group": "postgres", "extra_groups": []}


def _wait(server: subprocess.Popen[bytes], port: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    ready: Sequence[str] = [program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", port]
    while subprocess.run(ready, check=False).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Postgres did not start: {log.read_text()}")
        time.sleep(0.1)
