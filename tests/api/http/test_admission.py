"""Who begins, who waits and who is refused."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from medsearch_api.app import is_dear
from medsearch_api.http.admission import MAX_WAITING_PER_PLACE, Admission, Busy


class Clock:
    """Time that passes as the test says."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def answer(admission: Admission, clock: Clock, seconds: float) -> None:
    """A request that takes so long."""
    async with admission.admit():
        clock.now += seconds


def test_nothing_is_refused_while_there_are_places():
    async def run() -> None:
        admission = Admission(2, max_seconds=0)
        async with admission.admit(), admission.admit():
            with pytest.raises(Busy):
                await admission.admit().__aenter__()
        async with admission.admit():
            pass

    asyncio.run(run())


def test_those_who_wait_come_in_their_order():
    async def run() -> None:
        admission, order = Admission(1, max_seconds=600), []

        async def request(name: str) -> None:
            async with admission.admit():
                order.append(name)
                await asyncio.sleep(0)

        await asyncio.gather(*(request(name) for name in "abcdef"))
        assert order == list("abcdef")

    asyncio.run(run())


def test_who_would_wait_too_long_is_refused_at_once_and_told_when_to_come_again():
    async def run() -> None:
        clock = Clock()
        admission = Admission(2, max_seconds=5, clock=clock)
        await answer(admission, clock, 4.0)  # so long a request takes
        async with AsyncExitStack() as places:
            for _ in range(2):
                await places.enter_async_context(admission.admit())
            waiting = [asyncio.ensure_future(answer(admission, clock, 0.0)) for _ in range(2)]  # for 2 s and for 4 s
            await settle()
            assert admission.expected_seconds() == 6.0
            with pytest.raises(Busy) as refused:
                await admission.admit().__aenter__()
            assert refused.value.retry_after == 6
        await asyncio.gather(*waiting)

    asyncio.run(run())


def test_requests_that_do_not_end_are_noticed_before_the_first_has_ended():
    async def run() -> None:
        clock = Clock()
        admission = Admission(1, max_seconds=5, clock=clock)
        async with admission.admit():
            assert admission.expected_seconds() == 0.0
            clock.now += 6.0
            with pytest.raises(Busy):
                await admission.admit().__aenter__()

    asyncio.run(run())


def test_the_queue_has_an_end_even_if_requests_are_quick():
    async def run() -> None:
        admission = Admission(1, max_seconds=600, clock=Clock())
        async with admission.admit():
            waiting = [asyncio.ensure_future(admission.admit().__aenter__()) for _ in range(MAX_WAITING_PER_PLACE)]
            await settle()
            with pytest.raises(Busy):
                await admission.admit().__aenter__()
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting)
        async with admission.admit():  # those that were given up hold no place
            pass

    asyncio.run(run())


def test_a_request_that_is_given_up_when_its_turn_comes_leaves_it_to_the_next():
    async def run() -> None:
        admission = Admission(1, max_seconds=600)
        place = AsyncExitStack()
        await place.enter_async_context(admission.admit())
        given_up, next_one = (asyncio.ensure_future(admission.admit().__aenter__()) for _ in range(2))
        await settle()
        await place.aclose()
        given_up.cancel()
        await next_one

    asyncio.run(run())


def test_a_request_that_has_waited_as_long_as_it_may_is_refused():
    async def run() -> None:
        admission = Admission(1, max_seconds=0.01, clock=Clock())
        async with admission.admit():
            with pytest.raises(Busy):
                await admission.admit().__aenter__()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/graphql", True),
        ("/appsync/graphql", True),
        ("/dicomweb/studies", True),
        ("/dicomweb/studies/1.2/series", True),
        ("/dicomweb/studies/1.2", False),
        ("/dicomweb/studies/1.2/metadata", False),
        ("/healthz", False),
        ("/static/main.js", False),
        ("/thumbnails/p/s/i.png", False),
        ("/images/p/s/i.png", False),
    ],
)
def test_searches_wait_their_turn_and_nothing_else_does(path, expected):
    assert is_dear(path) is expected
