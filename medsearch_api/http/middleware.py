"""What holds for every request: security headers, a log line and measurements, errors without details, a size limit.

Belongs here: plain ASGI wrappers that know nothing of medicine or GraphQL.
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
    "errors": [{"message": "The request is larger than this service takes.", "extensions": {"code": "LIMIT_EXCEEDED"}}],
}
"""What is said of a longer body, to any client and as GraphQL says it."""

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
    """Puts the security headers on every response, and the strictest caching and sharing where it says nothing itself."""

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
    """One line per request, and its measurements: method, route, status, time. Neither the address nor the query is in them.

    An exception that nobody handled is logged by its type and answered with 500; its message may hold data.
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
        except Exception as error:  # noqa: BLE001 - the last place where a message can be kept out of log and response
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
    """Refuses a request body over `MAX_BODY_BYTES`, declared or streamed.

    Args:
        forms: path → how many bytes a form with a file (multipart/form-data) may have there instead.
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
    """Whether a request's body is a form that may hold files."""
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "multipart/form-data"


class _TooLarge(Exception):
    """The body went on past the limit."""


def _method(scope: Scope) -> str:
    """The method, which a client may make up, as one of few words."""
    method: str = scope["method"]
    return method if method in METHODS else "OTHER"


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "-")
