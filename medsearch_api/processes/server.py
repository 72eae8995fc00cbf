"""One server process: what it listens on, which signals end it, and how it learns that nobody looks after it any more."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from medsearch_api.http.connections import BoundedConnection
from medsearch_api.settings import Settings

PAUSE_SECONDS = 0.5
"""Until connections are accepted again when no file descriptor is free."""
MARGIN_SECONDS = 5.0


def configure(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """How the service is served, by however many processes."""
    return uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port,
        http=BoundedConnection,
        ws="none",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=settings.api_shutdown_seconds,
    )


class WorkerServer(uvicorn.Server):
    """A server that shares its listening socket with other processes, and takes one connection at a time from it.

    asyncio would take all that wait, and leave none to the others. Only SIGTERM ends it: Ctrl-C reaches every process of the
    terminal, and the supervisor then tells each.
    """

    def __init__(self, config: uvicorn.Config, listener: socket.socket, when_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._listener, self._when_ready = listener, when_ready
        self._connecting: set[asyncio.Task[Any]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        if self.started:
            asyncio.get_running_loop().add_reader(self._listener, self._accept)
            self._when_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        await super().shutdown(sockets=None)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM:
            super().handle_exit(sig, frame)

    def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another process was faster, or the client has gone
        except OSError:
            loop.remove_reader(self._listener)
            loop.call_later(PAUSE_SECONDS, self._accept_again)
            return
        connection.setblocking(False)
        task = loop.create_task(loop.connect_accepted_socket(self._protocol, connection))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def _accept_again(self) -> None:
        if self._listener.fileno() >= 0:
            asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def _protocol(self) -> asyncio.Protocol:
        return BoundedConnection(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)


def end_with(lifeline: int, shutdown_seconds: float) -> None:
    """End this process when the other end of a pipe is closed, as it is when the supervisor has died, however it did."""

    def watch() -> None:
        os.read(lifeline, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(shutdown_seconds + MARGIN_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
