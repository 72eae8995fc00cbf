"""Whose turn it is to decode: a bounded queue, shared fairly by users, over the places and the memory that there are.

Belongs here: who goes next, and who is refused. Not here: what is decoded. A waiting request holds nothing but its place.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

from medsearch_api.http.metrics import DECODES_IN_PROGRESS, DECODES_WAITING
from medsearch_api.imaging.errors import RequestError
from medsearch_api.settings import Settings
from medsearch_core.machine.cpus import available_cpus

RETRY_AFTER_SECONDS, MAX_RETRY_AFTER_SECONDS = 2, 60
SMOOTHING = 0.2
"""Weight of the last turn in the mean time of one."""
OVER_SHARE = "Too many of your images are being rendered. Try again when some are done."
FULL = "Too many images are being rendered. Try again."


class TurnTaker(Protocol):
    """Grants turns, of this process or of all worker processes together."""

    async def take(self, user: str, bytes: int) -> Any:
        """As `Turns.take`."""

    def leave(self, turn: Any) -> None:
        """As `Turns.leave`."""


@dataclass(eq=False)
class Turn:
    """A turn that a user has or waits for. Created on the event loop of its request."""

    user: str
    bytes: int
    arrival: int
    is_granted: bool = False
    granted_at: float = 0.0
    granted: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def grant(self) -> None:
        """Wake the request, from any thread."""
        self.is_granted = True
        with suppress(RuntimeError):  # its event loop has ended, and the request with it
            self.granted.get_loop().call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if not self.granted.done():
            self.granted.set_result(None)


class Turns:
    """Grants turns to the user who has the fewest at the moment, among those to the one who waits longest.

    A turn that needs more memory than is free waits for it, and none overtakes it: otherwise a large image would wait for as
    long as small ones come. Turns are taken on an event loop, and left in any thread.

    Args:
        places: turns at a time. One user has at most one less, so that another never waits for a whole turn.
        bytes: memory of all turns together.
        max_waiting: requests that may wait.
        max_per_user: requests of one user that may wait or have a turn.
        max_seconds: within which a request must be answered. One that is not expected to be is refused at once.
    """

    def __init__(self, places: int, bytes: int, max_waiting: int, max_per_user: int, max_seconds: float = math.inf) -> None:
        self.bytes = bytes
        self._places, self._places_per_user = places, max(1, places - 1)
        self._max_waiting, self._max_per_user, self._max_seconds = max_waiting, max_per_user, max_seconds
        self._mean_seconds = 0.0
        self._lock = threading.Lock()  # of all that follows
        self._free_bytes = bytes
        self._having: Counter[str] = Counter()
        self._waiting: list[Turn] = []
        self._arrivals = count()

    async def take(self, user: str, bytes: int) -> Turn:
        """Wait for a turn, which then lasts until `leave`.

        Args:
            user: whose turn it is.
            bytes: memory that it needs, at most that of all turns.

        Raises:
            RequestError: 429, the user has too many already; 503, too many are waiting.
        """
        turn = Turn(user, bytes, next(self._arrivals))
        with self._lock:
            if self._having[user] + sum(other.user == user for other in self._waiting) >= self._max_per_user:
                raise RequestError(429, OVER_SHARE, RETRY_AFTER_SECONDS)
            self._waiting.append(turn)
            self._grant()
            seconds = 0.0 if turn.is_granted else self._expected_seconds()
            is_full = not turn.is_granted and len(self._waiting) > self._max_waiting
        try:
            if is_full or seconds > self._max_seconds:
                raise RequestError(503, FULL, max(RETRY_AFTER_SECONDS, min(MAX_RETRY_AFTER_SECONDS, int(seconds))))
            await turn.granted
        except BaseException:
            self.leave(turn)
            raise
        return turn

    def leave(self, turn: Turn) -> None:
        """End a turn, or the wait for it."""
        with self._lock:
            if turn.is_granted:
                self._free_bytes += turn.bytes
                self._having[turn.user] -= 1
                took = time.monotonic() - turn.granted_at
                self._mean_seconds += (SMOOTHING if self._mean_seconds else 1.0) * (took - self._mean_seconds)
                self._having += Counter()  # forgets users who have none
            else:
                self._waiting.remove(turn)
            self._grant()

    def _grant(self) -> None:
        while self._having.total() < self._places and (first := self._first()) and first.bytes <= self._free_bytes:
            self._waiting.remove(first)
            self._free_bytes -= first.bytes
            self._having[first.user] += 1
            first.granted_at = time.monotonic()
            first.grant()
        DECODES_IN_PROGRESS.set(self._having.total())
        DECODES_WAITING.set(len(self._waiting))

    def _expected_seconds(self) -> float:
        """Seconds until the last of those who wait is answered, at the time that a turn takes lately."""
        return self._mean_seconds * (1 + len(self._waiting) / max(1, self._having.total()))

    def _first(self) -> Turn | None:
        may = [turn for turn in self._waiting if self._having[turn.user] < self._places_per_user]
        return min(may, key=lambda turn: (self._having[turn.user], turn.arrival), default=None)


def decode_places(settings: Settings) -> int:
    """How many processes decode at once, in all worker processes together."""
    return settings.api_decode_workers or available_cpus() + 1


def decode_bytes(settings: Settings) -> int:
    """The memory of all that decode."""
    return int(settings.api_decode_memory_gib * 2**30)


def open_turns(settings: Settings) -> Turns:
    """Create the turns that the settings allow."""
    return Turns(
        decode_places(settings),
        decode_bytes(settings),
        settings.api_decode_queue,
        settings.api_decodes_per_user,
        settings.api_request_seconds,
    )
