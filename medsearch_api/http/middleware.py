"""Middleware for every request: security headers, access log and metrics, errors without details, body size limit.

Belongs here: plain ASGI middleware that knows nothing about medicine or GraphQL.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medsearch_api.http.logs import ERRORS
from medsearch_api.http.metrics import IN_PROGRESS, REQUEST_SECONDS, REQUESTS

ACCESS = logging.getLogger("medsearch.access")

MAX_BODY_BYTES = 1 << 20
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

TOO_LARGE = {
    "error": "request too large",
    "errors": [
        {
            "message": "The request is larger than this service accepts. Send a smaller one.",
            "extensions": {"code": "LIMIT_EXCEEDED"},
        }
    ],
}
"""The response to an oversized body, in a form that GraphQL and other clients both understand."""

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; object-src 'none'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class SecurityHeaders:
    """Adds the security headers to every response, and the strictest caching and sharing headers if it sets none itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                headers.setdefault("cross-origin-resource-policy", "same-origin")
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self.app(scope, receive, with_headers)


class AccessLog:
    """Logs and measures every request: method, route, status and time, but neither the URL nor the query.

    Unhandled exceptions get 500 and are logged by type only, because their messages may contain data.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        begun, status = time.perf_counter(), 0
        IN_PROGRESS.inc()

        async def noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting_status)
        except Exception as error:  # noqa: BLE001 - the last chance to keep its message out of log and response
            ERRORS.error("%s %s failed: %s", _method(scope), _route(scope), type(error).__name__)
            if not status:
                await JSONResponse({"error": "internal"}, 500)(scope, receive, noting_status)
        finally:
            IN_PROGRESS.dec()
        method, route, seconds = _method(scope), _route(scope), time.perf_counter() - begun
        REQUESTS.labels(method, route, str(status)).inc()
        REQUEST_SECONDS.labels(route).observe(seconds)
        ACCESS.info("request", extra={"method": method, "route": route, "status": status, "ms": round(1000 * seconds, 1)})


class BodyLimit:
    """Rejects request bodies larger than `MAX_BODY_BYTES`, whether declared or streamed.

    Args:
        forms: path → limit in bytes for forms with a file (multipart/form-data) sent to that path.
    """

    def __init__(self, app: ASGIApp, forms: Mapping[str, int]) -> None:
        self.app = app
        self._forms = forms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        limit = self._forms.get(scope["path"], MAX_BODY_BYTES) if is_form(headers) else MAX_BODY_BYTES
        declared = headers.get("content-length", "0")
        if not declared.isdecimal() or int(declared) > limit:
            return await JSONResponse(TOO_LARGE, 413)(scope, receive, send)
        seen, begun = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise _TooLarge
            return message

        async def noting_start(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, counted, noting_start)
        except _TooLarge:
            if not begun:
                await JSONResponse(TOO_LARGE, 413)(scope, receive, send)


def is_form(headers: Headers) -> bool:
    """Whether a request's body is a form that may contain files."""
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "multipart/form-data"


class _TooLarge(Exception):
    """The body exceeds the limit."""


def _method(scope: Scope) -> str:
    """Return the method, or OTHER for one that the client made up, so that the number of labels stays bounded."""
    method: str = scope["method"]
    return method if method in METHODS else "OTHER"


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "-")
