"""What all workers share, in a process that does nothing else: sessions, the turns to decode, the slots of uploads.

Belongs here: serving the workers' messages. Not here: what a session or a turn is.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from typing import Any

from cross_web import HTTPException

from medsearch_api.imaging.errors import RequestError
from medsearch_api.imaging.turns import Turns
from medsearch_api.processes.messages import MAX_BYTES, Message, decode, encode, pack_session, unpack_session
from medsearch_api.sign_in.session_store import LocalSessions
from medsearch_api.uploads.forms import Slots

CONNECT = b"connect"

Answer = tuple[Any, Callable[[Any], None] | None]
"""What a worker is answered, and what its changes do when it gives back what it holds; None if it holds nothing."""

Held = AbstractAsyncContextManager[Answer]


class Coordinator:
    """Serves any number of workers, each over its own connection, and frees what a worker held when that ends."""

    def __init__(self, turns: Turns, sessions: LocalSessions | None = None, uploads: Slots | None = None) -> None:
        self._turns, self._sessions = turns, sessions or LocalSessions()
        self._uploads = uploads or Slots()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, control: socket.socket) -> None:
        """Serve the workers whose connections come over `control`, until its other end is closed."""
        loop, is_over = asyncio.get_running_loop(), asyncio.Event()

        def take() -> None:
            message, files, _, _ = socket.recv_fds(control, len(CONNECT), 1)
            for file in files:
                task = loop.create_task(self.serve(socket.socket(fileno=file)))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            if not message:
                loop.remove_reader(control)
                is_over.set()

        loop.add_reader(control, take)
        await is_over.wait()

    async def serve(self, connection: socket.socket) -> None:
        """Serve one worker until it hangs up."""
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=MAX_BYTES)
        requests: dict[int, _Request] = {}
        try:
            while line := await reader.readline():
                message = decode(line)
                if message["do"] == "release":
                    if (request := requests.get(message["id"])) is not None:
                        request.release(message.get("changes"))
                    continue
                request = requests[message["id"]] = _Request(message["id"], self._hold(message), writer)
                request.task.add_done_callback(partial(_forget, requests, message["id"]))
        except (OSError, ValueError):
            pass  # it died in the middle of a message
        finally:
            for request in list(requests.values()):
                request.task.cancel()
            writer.close()

    def _hold(self, message: Message) -> Held:
        kinds: dict[str, Callable[..., Held]] = {
            "turn": self._turn,
            "slot": self._slot,
            "renew": self._renew,
            "open": self._open,
            "find": self._find,
            "end": self._end,
        }
        return kinds[message["do"]](**message["with"])

    @asynccontextmanager
    async def _turn(self, user: str, bytes: int) -> AsyncIterator[Answer]:
        turn = await self._turns.take(user, bytes)
        try:
            yield None, _nothing
        finally:
            self._turns.leave(turn)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[Answer]:
        async with self._uploads.acquire():
            yield None, _nothing

    @asynccontextmanager
    async def _renew(self, session_id: str) -> AsyncIterator[Answer]:
        async with self._sessions.renewing(session_id) as session:

            def change(changes: Message | None) -> None:
                if session is not None and (changed := unpack_session(changes)) is not None:
                    session.viewer, session.valid_until = changed.viewer, changed.valid_until
                    session.refresh_token = changed.refresh_token

            yield pack_session(session), change

    @asynccontextmanager
    async def _open(self, session: Message) -> AsyncIterator[Answer]:
        opened = unpack_session(session)
        yield await self._sessions.open(opened) if opened else None, None

    @asynccontextmanager
    async def _find(self, session_id: str | None) -> AsyncIterator[Answer]:
        yield pack_session(await self._sessions.find(session_id)), None

    @asynccontextmanager
    async def _end(self, session_id: str | None) -> AsyncIterator[Answer]:
        yield pack_session(await self._sessions.end(session_id)), None


class _Request:
    """One request of a worker, from its message to its answer or, if it holds something, to its release."""

    def __init__(
        self,
        id: int,
        held: Held,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._id, self._writer = id, writer
        self._released: asyncio.Future[Message | None] = asyncio.get_running_loop().create_future()
        self._is_held = False
        self.task = asyncio.ensure_future(self._run(held))

    def release(self, changes: Message | None) -> None:
        """End what it holds, or the wait for it."""
        if not self._is_held:
            self.task.cancel()
        elif not self._released.done():
            self._released.set_result(changes)

    async def _run(self, held: Held) -> None:
        with suppress(asyncio.CancelledError, OSError):
            try:
                async with held as (answer, change):
                    self._is_held = True
                    self._writer.write(encode({"id": self._id, "answer": answer}))
                    if change is not None:
                        change(await self._released)
            except RequestError as error:
                self._refuse(error.status, error.message, error.retry_after)
            except HTTPException as error:
                self._refuse(error.status_code, error.reason, None)

    def _refuse(self, status: int, message: str, retry_after: int | None) -> None:
        self._writer.write(encode({"id": self._id, "error": [status, message, retry_after]}))


def _forget(requests: dict[int, _Request], id: int, _: object) -> None:
    requests.pop(id, None)


def _nothing(_: object) -> None:
    """What changes when a turn or a slot is given back."""
