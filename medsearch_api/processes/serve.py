"""The service in one process, or in a supervisor, its workers and their coordinator."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field

import uvicorn
from starlette.types import ASGIApp
from threadpoolctl import threadpool_limits

from medsearch_api.dicomweb import streams
from medsearch_api.http import metrics
from medsearch_api.imaging.turns import TurnTaker, open_turns
from medsearch_api.processes.client import Client, SharedSessions, SharedTurns, SharedUploads
from medsearch_api.processes.coordinator import Coordinator
from medsearch_api.processes.server import WorkerServer, configure, end_with
from medsearch_api.processes.supervisor import FAILED, READY, Ends, Supervisor
from medsearch_api.settings import Settings
from medsearch_api.sign_in.session_store import SessionStore
from medsearch_api.uploads.forms import Slots, UploadSlots
from medsearch_core.errors import ConfigurationError
from medsearch_core.machine.cpus import available_cpus

BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class Shared:
    """What the worker processes share. By default there is one process, which shares nothing.

    Args:
        turns: None for turns of the process alone.
        sessions: None for sessions of the process alone.
    """

    workers: int = 1
    turns: TurnTaker | None = None
    sessions: SessionStore | None = None
    uploads: UploadSlots = field(default_factory=Slots)


CreateApp = Callable[..., ASGIApp]


def serve_alone(app: ASGIApp, settings: Settings) -> None:
    """Serve in this process until it is stopped."""
    try:
        uvicorn.Server(configure(app, settings)).run()
    except KeyboardInterrupt:
        return


def serve_with_workers(settings: Settings, workers: int, create_app: CreateApp) -> None:
    """Serve with worker processes until this one is stopped.

    Args:
        create_app: called as `create_app(settings, shared=…)` in each worker.

    Raises:
        ConfigurationError: the service cannot start with these settings.
    """
    try:
        folder = tempfile.mkdtemp(prefix="medsearch-metrics-")
        listener = _listen(settings.api_host, settings.api_port)
    except OSError as error:
        raise ConfigurationError(
            f"The service cannot listen on MEDSEARCH_API_HOST={settings.api_host}, MEDSEARCH_API_PORT={settings.api_port}, or "
            f"write temporary files: {error.strerror}."
        ) from error
    own_pid = os.getpid()
    metrics.share(folder)

    def work(ends: Ends) -> None:
        _work(settings, workers, create_app, ends)

    def coordinate(control: socket.socket) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends after the workers, which need it for their last requests
        asyncio.run(Coordinator(open_turns(settings)).run(control))

    try:
        Supervisor(workers, work, coordinate, listener, settings.api_shutdown_seconds, metrics.note_end).run()
    finally:
        if os.getpid() == own_pid:
            shutil.rmtree(folder, ignore_errors=True)


def _work(settings: Settings, workers: int, create_app: CreateApp, ends: Ends) -> None:
    """Answer requests until SIGTERM."""
    end_with(ends.lifeline, settings.api_shutdown_seconds)
    streams.share(workers)
    client = Client(ends.coordinator)
    shared = Shared(workers, SharedTurns(client), SharedSessions(client), SharedUploads(client))
    with threadpool_limits(max(1, available_cpus() // workers), "blas"):
        try:
            app = create_app(settings, shared=shared)
        except ConfigurationError as error:
            os.write(ends.status, FAILED + str(error).encode())
            return
        WorkerServer(configure(app, settings), ends.listener, lambda: _tell(ends.status)).run()


def _tell(status: int) -> None:
    os.write(status, READY)


def _listen(host: str, port: int) -> socket.socket:
    """Open the socket on which all workers accept connections.

    Raises:
        OSError: the address does not exist, or is in use.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    listener.setblocking(False)
    return listener
