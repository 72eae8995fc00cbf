"""What confined workers are asked in tests: what they have, and what they may do. Each answers with JSON."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import time
from collections.abc import Callable
from contextlib import suppress

from medsearch_core.errors import BadInput
from medsearch_core.workers.child import limit_memory, within
from medsearch_core.workers.limits import Limits


def environment() -> bytes:
    return json.dumps(dict(os.environ)).encode()


def read(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def open_files(*_: int) -> bytes:
    """The kinds of all open files, by their number."""
    kinds = {}
    for number in range(256):
        with suppress(OSError):
            mode = os.fstat(number).st_mode
            kinds[number] = "socket" if stat.S_ISSOCK(mode) else "device" if stat.S_ISCHR(mode) else "file"
    return json.dumps(kinds).encode()


def try_to(deed: str, *arguments: str) -> bytes:
    """The name of the error that a deed ends with, or `done`."""
    try:
        DEEDS[deed](*arguments)
    except OSError as error:
        return type(error).__name__.encode()
    return b"done"


def _connect(port: str) -> None:
    with socket.socket() as client:
        client.connect(("127.0.0.1", int(port)))


def _read(path: str) -> None:
    with open(path, "rb") as file:
        file.read(1)


def _write(path: str) -> None:
    with open(path, "wb") as file:
        file.write(b"1")


def _fork() -> None:
    if not os.fork():
        os._exit(0)


DEEDS: dict[str, Callable[..., object]] = {
    "connect": _connect,
    "read": _read,
    "write": _write,
    "delete": os.unlink,
    "fork": _fork,
    "execute": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606
    "kill": lambda pid: os.kill(int(pid), signal.SIGTERM),
    "pair": socket.socketpair,
}


def allocate(mebibytes: int) -> bytes:
    """So much memory, of which a job may have 256 MiB."""
    limit_memory(256 * 2**20)
    return str(len(b"\1" * (mebibytes * 2**20))).encode()


def loop() -> bytes:
    with within(Limits(seconds=1, bytes=0)):
        while True:
            pass


def wait() -> bytes:
    time.sleep(3600)
    return b""


def abort() -> bytes:
    os.abort()


def many(count: int) -> bytes:
    return bytes(count)


def refuse() -> bytes:
    raise BadInput("undecodable_pixel_data", "no decoder", 3)


def leak() -> bytes:
    raise KeyError("Doe^Jane")
