"""Admission of the requests that cost most: so many at once, a bounded queue, early refusal of what would come too late.

Belongs here: who begins, who waits and who is refused. Cheap requests (health, the page's files, thumbnails) never come here,
so they are answered however many searches wait. Decoding has a queue of its own, `imaging.turns`.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medsearch_api.http.error_codes import Code
from medsearch_api.http.metrics import ADMISSION_WAITING, SHED

MAX_WAITING_PER_PLACE = 32
MAX_RETRY_AFTER_SECONDS = 60
SMOOTHING = 0.1
"""Weight of the last request in the mean time of one."""
MESSAGE = "The service is busy. Try again in a moment."


class Busy(Exception):
    """A request is refused.

    Args:
        retry_after: seconds after which it may be admitted.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class Admission:
    """Admits requests in the order in which they came. All calls come from one event loop.

    Args:
        places: requests at once.
        max_seconds: that a request may wait. One that is expected to wait longer is refused at once.
    """

    def __init__(self, places: int, max_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._places, self._max_seconds, self._clock = places, max_seconds, clock
        self._begun: dict[object, float] = {}
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._mean_seconds = 0.0
        self._reserved = 0  # places of requests that were woken and have not begun

    @asynccontextmanager
    async def admit(self) -> AsyncIterator[None]:
        """Wait for a place, which lasts as long as the block.

        Raises:
            Busy: too many are waiting, or it has waited too long.
        """
        await self._wait()
        place = object()
        self._begun[place] = self._clock()
        try:
            yield
        finally:
            seconds = self._clock() - self._begun.pop(place)
            self._mean_seconds += (SMOOTHING if self._mean_seconds else 1.0) * (seconds - self._mean_seconds)
            self._wake()

    def expected_seconds(self) -> float:
        """How long the next request would wait: those before it, at the time that one takes lately."""
        if self._is_free():
            return 0.0
        youngest = self._clock() - max(self._begun.values(), default=self._clock())
        return max(self._mean_seconds, youngest) * (len(self._waiting) + 1) / self._places

    async def _wait(self) -> None:
        if self._is_free():
            return
        is_full = len(self._waiting) >= MAX_WAITING_PER_PLACE * self._places
        if is_full or self._max_seconds == 0 or self.expected_seconds() > self._max_seconds:
            raise self._busy()
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        ADMISSION_WAITING.inc()
        try:
            async with asyncio.timeout(self._max_seconds):
                await turn
        except BaseException as error:
            with suppress(ValueError):
                self._waiting.remove(turn)
            if turn.done() and not turn.cancelled():
                self._reserved -= 1
                self._wake()  # the place is somebody else's
            if isinstance(error, TimeoutError):
                raise self._busy() from None
            raise
        finally:
            ADMISSION_WAITING.dec()
        self._reserved -= 1

    def _is_free(self) -> bool:
        return not self._waiting and len(self._begun) + self._reserved < self._places

    def _wake(self) -> None:
        while self._waiting and len(self._begun) + self._reserved < self._places:
            turn = self._waiting.popleft()
            if not turn.done():
                self._reserved += 1
                turn.set_result(None)

    def _busy(self) -> Busy:
        SHED.inc()
        return Busy(min(MAX_RETRY_AFTER_SECONDS, max(1, math.ceil(self.expected_seconds()))))


class AdmitDear:
    """Lets requests to some paths pass one `Admission`, and refuses them with 503 and Retry-After if it does.

    Args:
        is_dear: whether a path needs admission.
    """

    def __init__(self, app: ASGIApp, admission: Admission, is_dear: Callable[[str], bool]) -> None:
        self.app = app
        self._admission, self._is_dear = admission, is_dear

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._is_dear(scope["path"]):
            return await self.app(scope, receive, send)
        try:
            async with AsyncExitStack() as place:
                await place.enter_async_context(self._admission.admit())

                async def leaving(message: Message) -> None:
                    await place.aclose()  # the answer is there, however slowly the client takes it
                    await send(message)

                return await self.app(scope, receive, leaving)
        except Busy as busy:
            body = {"error": "busy", "errors": [{"message": MESSAGE, "extensions": {"code": Code.UNAVAILABLE.value}}]}
            headers = {"retry-after": str(busy.retry_after)}
        await JSONResponse(body, 503, headers)(scope, receive, send)
