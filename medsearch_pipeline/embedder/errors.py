"""The embedder's error responses: a status, a stable reason code and a sentence, without content of the file."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medsearch_core.errors import BadInput, TooManyPixels

LOG = logging.getLogger("medsearch.embedder")


@dataclass(frozen=True)
class ErrorResponse:
    """Why a file has no vector.

    Args:
        status: the HTTP status.
        reason: a stable code.
        detail: one sentence.
    """

    status: int
    reason: str
    detail: str

    def response(self) -> JSONResponse:
        """The HTTP response."""
        return JSONResponse({"reason": self.reason, "detail": self.detail}, self.status)


def error_response(fault: BadInput) -> ErrorResponse:
    """The response for a file that cannot be embedded."""
    return ErrorResponse(413 if isinstance(fault, TooManyPixels) else 400, fault.reason, fault.detail)


class MaskedErrors:
    """Answers unexpected errors with 500, and logs only their type: a message may contain patient data."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noting_start(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, noting_start)
        except Exception as error:  # noqa: BLE001 - the last place where a message can be kept out of log and response
            LOG.error("a request failed: %s", type(error).__name__)
            if scope["type"] == "http" and not begun:
                await ErrorResponse(500, "internal", "internal error; it was logged").response()(scope, receive, send)
