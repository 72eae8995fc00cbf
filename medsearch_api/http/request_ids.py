"""An ID for every request, in its response and in all of its log lines."""

from __future__ import annotations

import re
import uuid
from contextvars import ContextVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "x-request-id"
REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)

_SAFE = re.compile(r"[0-9a-fA-F]{8}[0-9a-fA-F-]{8,56}")
"""16 to 64 hexadecimal digits and hyphens: UUIDs and the IDs of proxies. No patient's name, date or UID looks like that."""


class RequestIds:
    """Takes a request's `X-Request-ID` if it is safe to log, otherwise generates one, and returns it with the response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        header = Headers(scope=scope).get(HEADER, "")
        request_id = header if _SAFE.fullmatch(header) else uuid.uuid4().hex

        async def with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        token = REQUEST_ID.set(request_id)
        try:
            await self.app(scope, receive, with_id)
        finally:
            REQUEST_ID.reset(token)
