"""The worker's side of the coordinator: sessions, turns and slots as if they were in this process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

from cross_web import HTTPException

from medsearch_api.imaging.errors import RequestError
from medsearch_api.processes.messages import MAX_BYTES, Message, decode, encode, pack_session, unpack_session
from medsearch_api.sign_in.issuer import IssuerUnavailable
from medsearch_api.sign_in.sessions import Session

GONE = "The service is being restarted. Try again."
RETRY_AFTER_SECONDS = 2


class Client:
    """A connection to the coordinator, opened by the first request on its event loop."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._ids = count()
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening: asyncio.Task[asyncio.StreamWriter] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._is_over = False

    async def ask(self, do: str, **arguments: Any) -> tuple[int, Any]:
        """Return the request's number, by which `release` gives back what it holds, and the answer.

        Raises:
            RequestError: the coordinator refuses, or is gone (503).
        """
        if self._opening is None:
            self._loop = asyncio.get_running_loop()
            self._opening = self._loop.create_task(self._open())
        writer = await asyncio.shield(self._opening)
        if self._is_over:
            raise RequestError(503, GONE, RETRY_AFTER_SECONDS)
        id = next(self._ids)
        answer = self._waiting[id] = asyncio.get_running_loop().create_future()
        writer.write(encode({"id": id, "do": do, "with": arguments}))
        try:
            message = await answer
        except BaseException:
            self._release(id, None)
            raise
        finally:
            del self._waiting[id]
        if "error" in message:
            raise RequestError(*message["error"])
        return id, message["answer"]

    def release(self, id: int, changes: Message | None = None) -> None:
        """Give back what a request holds, from any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the event loop has ended, and the connection with it
                self._loop.call_soon_threadsafe(self._release, id, changes)

    def _release(self, id: int, changes: Message | None) -> None:
        if self._opening is not None and not self._is_over:
            self._opening.result().write(encode({"id": id, "do": "release", "changes": changes}))

    async def _open(self) -> asyncio.StreamWriter:
        reader, writer = await asyncio.open_unix_connection(sock=self._socket, limit=MAX_BYTES)
        self._reading = asyncio.ensure_future(self._read(reader))
        return writer

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while line := await reader.readline():
                message = decode(line)
                answer = self._waiting.get(message["id"])
                if answer is not None and not answer.done():
                    answer.set_result(message)
        self._is_over = True
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_result({"error": [503, GONE, RETRY_AFTER_SECONDS]})


class SharedSessions:
    """As `SessionStore`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def open(self, session: Session) -> str:
        opened: str = await self._ask("open", session=pack_session(session))
        return opened

    async def find(self, session_id: str | None) -> Session | None:
        return unpack_session(await self._ask("find", session_id=session_id)) if session_id else None

    async def end(self, session_id: str | None) -> Session | None:
        return unpack_session(await self._ask("end", session_id=session_id)) if session_id else None

    @asynccontextmanager
    async def renewing(self, session_id: str) -> AsyncIterator[Session | None]:
        try:
            id, message = await self._client.ask("renew", session_id=session_id)
        except RequestError:
            raise _unavailable() from None
        session = unpack_session(message)
        try:
            yield session
        finally:
            self._client.release(id, pack_session(session))

    async def _ask(self, do: str, **arguments: Any) -> Any:
        try:
            return (await self._client.ask(do, **arguments))[1]
        except RequestError:
            raise _unavailable() from None


@dataclass(frozen=True, slots=True)
class SharedTurn:
    """A turn that the coordinator granted."""

    id: int


class SharedTurns:
    """As `TurnTaker`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def take(self, user: str, bytes: int) -> SharedTurn:
        return SharedTurn((await self._client.ask("turn", user=user, bytes=bytes))[0])

    def leave(self, turn: SharedTurn) -> None:
        self._client.release(turn.id)


class SharedUploads:
    """As `UploadSlots`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[None]:
        try:
            id, _ = await self._client.ask("slot")
        except RequestError as error:
            raise HTTPException(error.status, error.message) from None
        try:
            yield
        finally:
            self._client.release(id)


def _unavailable() -> IssuerUnavailable:
    return IssuerUnavailable("the sessions cannot be reached")
