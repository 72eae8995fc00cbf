"""Whose turn it is to decode: shares, memory and the bounds of the queue, without any decoding."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from medsearch_api.imaging.errors import RequestError
from medsearch_api.imaging.turns import Turn, Turns


class Queue:
    """Turns with a name each, and which of them are being had."""

    def __init__(self, places: int = 3, bytes: int = 100, max_waiting: int = 99, max_per_user: int = 99) -> None:
        self.turns = Turns(places, bytes, max_waiting, max_per_user)
        self.had: list[str] = []
        self._tasks: dict[str, asyncio.Task[Turn]] = {}

    async def ask(self, name: str, bytes: int = 1) -> None:
        """The first letter of a name is the user."""
        self._tasks[name] = asyncio.create_task(self._have(name, bytes))
        await settle()

    async def _have(self, name: str, bytes: int) -> Turn:
        turn = await self.turns.take(name[0], bytes)
        self.had.append(name)
        return turn

    async def end(self, name: str) -> None:
        self.had.remove(name)
        self.turns.leave(self._tasks[name].result())
        await settle()

    async def give_up(self, name: str) -> None:
        self._tasks[name].cancel()
        await settle()

    def refusal(self, name: str) -> tuple[int, int | None] | None:
        """Status and Retry-After of a turn that was refused."""
        task = self._tasks[name]
        error = task.exception() if task.done() else None
        return (error.status, error.retry_after) if isinstance(error, RequestError) else None


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def test_one_user_leaves_a_place_for_another():
    async def story() -> None:
        queue = Queue(places=3)
        for name in ("a1", "a2", "a3"):
            await queue.ask(name)
        assert queue.had == ["a1", "a2"]
        await queue.ask("b1")
        assert queue.had == ["a1", "a2", "b1"]

    run(story())


def test_where_there_is_one_place_the_first_has_it():
    async def story() -> None:
        queue = Queue(places=1)
        await queue.ask("a1")
        await queue.ask("b1")
        assert queue.had == ["a1"]
        await queue.end("a1")
        assert queue.had == ["b1"]

    run(story())


def test_the_next_turn_is_of_the_user_who_has_the_fewest_and_then_of_who_waits_longest():
    async def story() -> None:
        queue = Queue(places=3)
        for name in ("a1", "a2", "b1", "a3", "a4", "c1", "b2"):
            await queue.ask(name)
        assert queue.had == ["a1", "a2", "b1"]
        await queue.end("a1")
        assert queue.had == ["a2", "b1", "c1"], "c had none"
        await queue.end("b1")
        assert queue.had == ["a2", "c1", "b2"]
        await queue.end("c1")
        assert queue.had == ["a2", "b2", "a3"], "a and b had one, and a's waits longer"

    run(story())


def test_turns_have_no_more_memory_together_than_there_is_and_none_overtakes_a_large_one():
    async def story() -> None:
        queue = Queue(places=9, bytes=100)
        await queue.ask("a1", 60)
        await queue.ask("b1", 60)
        await queue.ask("c1", 10)
        assert queue.had == ["a1"]
        await queue.end("a1")
        assert queue.had == ["b1", "c1"]

    run(story())


def test_a_user_over_the_share_is_refused_and_others_are_not():
    async def story() -> None:
        queue = Queue(places=2, max_per_user=2)
        for name in ("a1", "a2", "a3", "b1"):
            await queue.ask(name)
        assert queue.refusal("a3") == (429, 2)
        assert queue.had == ["a1", "b1"]
        await queue.end("a1")
        await queue.ask("a4")
        assert queue.refusal("a4") is None

    run(story())


def test_more_requests_than_may_wait_are_refused():
    async def story() -> None:
        queue = Queue(places=2, max_waiting=1)
        for name in ("a1", "b1", "c1", "d1"):
            await queue.ask(name)
        assert queue.had == ["a1", "b1"]
        assert queue.refusal("d1") == (503, 2)
        assert queue.refusal("c1") is None

    run(story())


@pytest.mark.parametrize("moment", ["waiting", "granted"])
def test_a_request_that_is_given_up_makes_room(moment):
    async def story() -> None:
        queue = Queue(places=2, bytes=10)
        await queue.ask("a1", 10)
        await queue.ask("b1", 10)
        if moment == "granted":  # and not yet told so
            queue.turns.leave(queue._tasks["a1"].result())
        await queue.give_up("b1")
        if moment == "waiting":
            await queue.end("a1")
        await queue.ask("c1", 10)
        assert "c1" in queue.had

    run(story())
