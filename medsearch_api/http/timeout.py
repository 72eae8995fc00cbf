"""The time limit for a response to start."""

from __future__ import annotations

import asyncio

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medsearch_api.http.error_codes import Code

ANSWER = {
    "error": "timeout",
    "errors": [
        {"message": "The request timed out. Narrow the search or try again.", "extensions": {"code": Code.TIMEOUT.value}}
    ],
}
"""The response to a timed-out request, in a form that GraphQL and other clients both understand."""


class TimeLimit:
    """Responds with 504 if the response has not started within the time limit. A started response may take longer.

    Backend calls cannot be interrupted: they end by their own timeouts, and their results are dropped.
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
