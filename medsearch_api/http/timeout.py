"""How long a request may take until its answer begins."""

from __future__ import annotations

import asyncio

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medsearch_api.http.error_codes import Code

ANSWER = {
    "error": "timeout",
    "errors": [
        {"message": "The answer took too long. Ask for less, or try again.", "extensions": {"code": Code.TIMEOUT.value}}
    ],
}
"""What is said then, to any client and as GraphQL says it."""


class TimeLimit:
    """Answers with 504 when the answer has not begun after so many seconds. One that has begun may go on.

    A call of a backend cannot be interrupted: it ends by the backend's own time-out, and nobody waits for it any more.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def ending_the_limit(message: Message) -> None:
            if not limit.expired():
                limit.reschedule(None)
            await send(message)

        try:
            async with asyncio.timeout(self.seconds) as limit:
                await self.app(scope, receive, ending_the_limit)
        except TimeoutError:
            if not limit.expired():
                raise
            await JSONResponse(ANSWER, 504)(scope, receive, send)
