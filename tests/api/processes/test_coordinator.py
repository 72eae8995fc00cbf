"""What workers share, with two connections to one coordinator."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from cross_web import HTTPException

from medsearch_api.imaging.errors import RequestError
from medsearch_api.imaging.turns import Turns
from medsearch_api.processes.client import Client, SharedSessions, SharedTurns, SharedUploads
from medsearch_api.processes.coordinator import CONNECT, Coordinator
from medsearch_api.sign_in.issuer import IssuerUnavailable
from medsearch_api.sign_in.sessions import Session
from medsearch_api.sign_in.viewer import Role, Viewer
from medsearch_api.uploads.forms import MAX_CONCURRENT_UPLOADS

SESSION = Session(Viewer("jane", frozenset({Role.READER})), "Jane", 1000.5, "refresh")


class Workers:
    """Connections to a running coordinator."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self.sockets: list[socket.socket] = []

    def connect(self) -> Client:
        """A worker's connection."""
        ours, theirs = socket.socketpair()
        socket.send_fds(self._control, [CONNECT], [theirs.fileno()])
        theirs.close()
        self.sockets.append(ours)
        return Client(ours)

    def hang_up(self, number: int) -> None:
        """As the death of a worker does."""
        self.sockets[number].shutdown(socket.SHUT_RDWR)


@asynccontextmanager
async def coordinating(turns: Turns) -> AsyncIterator[Workers]:
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    running = asyncio.ensure_future(Coordinator(turns).run(theirs))
    workers = Workers(control)
    yield workers
    for number in range(len(workers.sockets)):
        workers.hang_up(number)
    control.close()
    await running
    theirs.close()


def with_workers(work: Callable[[Workers], Awaitable[None]], turns: Turns | None = None) -> None:
    async def run() -> None:
        async with asyncio.timeout(600), coordinating(turns or Turns(2, 100, 1, 10)) as workers:
            await work(workers)

    asyncio.run(run())


def test_a_session_that_one_opens_another_finds_and_a_third_ends():
    async def work(workers: Workers) -> None:
        first, second, third = (SharedSessions(workers.connect()) for _ in range(3))
        session_id = await first.open(SESSION)
        found = await second.find(session_id)
        assert found is not None
        assert (found.viewer, found.name, found.valid_until, found.refresh_token) == (
            SESSION.viewer,
            "Jane",
            1000.5,
            "refresh",
        )
        assert await third.end(session_id) is not None
        assert [await sessions.find(session_id) for sessions in (first, second, third)] == [None] * 3
        assert await first.find(None) is None

    with_workers(work)


def test_a_session_is_renewed_by_one_worker_at_a_time_and_the_next_sees_its_changes():
    async def work(workers: Workers) -> None:
        first, second = (SharedSessions(workers.connect()) for _ in range(2))
        session_id = await first.open(SESSION)
        seen: list[str | None] = []

        async def renew(sessions: SharedSessions, token: str) -> None:
            async with sessions.renewing(session_id) as session:
                assert session is not None
                seen.append(session.refresh_token)
                await asyncio.sleep(0.05)
                session.refresh_token = token

        await asyncio.gather(renew(first, "A"), renew(second, "B"))
        assert seen in (["refresh", "A"], ["refresh", "B"])

    with_workers(work)


def test_a_renewal_that_a_worker_died_in_does_not_lock_the_session():
    async def work(workers: Workers) -> None:
        first, second = (SharedSessions(workers.connect()) for _ in range(2))
        session_id = await first.open(SESSION)
        await first.renewing(session_id).__aenter__()
        waiting = asyncio.ensure_future(second.renewing(session_id).__aenter__())
        workers.hang_up(0)
        assert await waiting is not None

    with_workers(work)


def test_turns_are_of_all_workers_together():
    async def work(workers: Workers) -> None:
        first, second = (SharedTurns(workers.connect()) for _ in range(2))
        turn = await first.take("jane", 60)
        waiting = asyncio.ensure_future(second.take("john", 60))  # there is a place, but not the memory
        await asyncio.sleep(0.05)
        with pytest.raises(RequestError) as refused:
            await first.take("joan", 60)
        assert (refused.value.status, refused.value.retry_after) == (503, 2)
        assert not waiting.done()
        first.leave(turn)
        second.leave(await waiting)

    with_workers(work)


def test_a_request_that_is_given_up_waits_no_longer():
    async def work(workers: Workers) -> None:
        turns = SharedTurns(workers.connect())
        turn = await turns.take("jane", 100)
        waiting = asyncio.ensure_future(turns.take("john", 100))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.wait([waiting])
        turns.leave(turn)
        turns.leave(await turns.take("joan", 100))

    with_workers(work)


def test_what_a_worker_held_is_free_when_it_has_died():
    async def work(workers: Workers) -> None:
        first, second = (SharedTurns(workers.connect()) for _ in range(2))
        await first.take("jane", 100)
        waiting = asyncio.ensure_future(second.take("john", 100))
        workers.hang_up(0)
        second.leave(await waiting)

    with_workers(work)


def test_uploads_are_of_all_workers_together():
    async def work(workers: Workers) -> None:
        first, second = (SharedUploads(workers.connect()) for _ in range(2))
        held = [first.acquire() for _ in range(MAX_CONCURRENT_UPLOADS)]
        for slot in held:
            await slot.__aenter__()
        with pytest.raises(HTTPException) as refused:
            await second.acquire().__aenter__()
        assert refused.value.status_code == 503
        await held[0].__aexit__(None, None, None)
        while True:  # the other worker's message may come a moment later
            with suppress(HTTPException):
                async with second.acquire():
                    break

    with_workers(work)


def test_without_a_coordinator_requests_are_refused_for_the_moment():
    async def work(workers: Workers) -> None:
        client = workers.connect()
        waiting = asyncio.ensure_future(SharedTurns(client).take("jane", 101))  # more than there is
        await asyncio.sleep(0.05)
        workers.hang_up(0)
        with pytest.raises(RequestError) as refused:
            await waiting
        assert refused.value.status == 503
        with pytest.raises(IssuerUnavailable):
            await SharedSessions(client).find("x")

    with_workers(work)
