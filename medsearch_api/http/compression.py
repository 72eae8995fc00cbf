"""Compression of responses that are text.

Belongs here: which responses are compressed, and the headers of those that are. Images, originals and values are compressed
already, and the page's files by `page`. No response contains a secret beside what a client sent (ADR 31).
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medsearch_api.http.codings import MIN_BYTES, Compressor, choose_coding, new_compressor

MEDIA_TYPES = frozenset({"application/json", "application/dicom+json", "application/graphql-response+json"})


class Compression:
    """Compresses text and JSON in the coding that the client likes best.

    A strong entity tag becomes weak: it names the content, not these bytes of it. Revalidation compares weakly, ranges do not.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        coding = choose_coding(Headers(scope=scope).get("accept-encoding", ""))
        await self.app(scope, receive, _Response(send, coding if scope["method"] != "HEAD" else None))


class _Response:
    """Sends one response. Its start is sent with the first piece of its body, whose length decides."""

    def __init__(self, send: Send, coding: str | None) -> None:
        self._send, self._coding = send, coding
        self._start: Message | None = None
        self._compressor: Compressor | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_text(headers := MutableHeaders(scope=message)):
            if "accept-encoding" not in headers.get("vary", "").lower():
                headers.add_vary_header("accept-encoding")
            if self._coding and message["status"] == 200:
                self._start = message
                return
        elif message["type"] == "http.response.body":
            message = await self._compressed(message)
        await self._send(message)

    async def _compressed(self, message: Message) -> Message:
        body, is_last = message.get("body", b""), not message.get("more_body", False)
        if self._start is not None:
            start, self._start = self._start, None
            if self._coding and not (is_last and len(body) < MIN_BYTES):
                self._compressor = new_compressor(self._coding)
                _declare(MutableHeaders(scope=start), self._coding)
            await self._send(start)
        if self._compressor is None:
            return message
        piece = self._compressor.compress(body) + (self._compressor.flush() if is_last else b"")
        return {"type": "http.response.body", "body": piece, "more_body": not is_last}


def _is_text(headers: MutableHeaders) -> bool:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return "content-encoding" not in headers and (kind.startswith("text/") or kind in MEDIA_TYPES)


def _declare(headers: MutableHeaders, coding: str) -> None:
    headers["content-encoding"] = coding
    for name in ("content-length", "accept-ranges"):
        if name in headers:
            del headers[name]
    if (etag := headers.get("etag", "")).startswith('"'):
        headers["etag"] = f"W/{etag}"
