"""Conditional requests and byte ranges of a body in memory (RFC 9110 sections 13 and 14).

Belongs here: the effect of If-Match, If-None-Match, If-Range and Range on a response. Not here: the source of the bytes and
their tag.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

_ONE_RANGE = re.compile(r"bytes=[ \t]*(?P<first>\d{1,18})?-(?P<last>\d{1,18})?[ \t]*", re.IGNORECASE)

PRIVATE = {"cache-control": "private, max-age=60, must-revalidate"}
"""Browsers may cache it, proxies may not, and it is revalidated after a minute."""


PIECE_BYTES = 2**20


class PiecewiseResponse(Response):
    """A response whose body is sent in pieces, each when the client has taken most of those before it.

    The server would copy what the client has not yet taken of a body that is sent at once.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = memoryview(self.body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for at in range(0, len(body), PIECE_BYTES):
            await send({"type": "http.response.body", "body": bytes(body[at : at + PIECE_BYTES]), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def precondition_response(request: Request, etag: str, headers: Mapping[str, str]) -> Response | None:
    """Return a response without body if the preconditions call for one, else None.

    It is 412 if If-Match names another version, and 304 if the client already has this one.

    Args:
        etag: a strong entity tag with its quotes.
        headers: headers that a 304 shares with the full response.
    """
    if_match = request.headers.get("if-match")
    if if_match is not None and not _names(if_match, etag, is_weak_enough=False):
        return PlainTextResponse("The requested version is no longer available. Request the resource without If-Match.", 412)
    if _names(request.headers.get("if-none-match", ""), etag, is_weak_enough=True):
        return Response(status_code=304, headers={**headers, "etag": etag})
    return None


def conditional_response(request: Request, body: bytes, media_type: str, etag: str, headers: Mapping[str, str]) -> Response:
    """Return the whole body, or the requested range of it.

    A single range gets 206, or 416 if it lies beyond the end. Multiple ranges, other units and malformed ranges are ignored,
    as section 14.2 permits.
    """
    shared = {**headers, "etag": etag, "accept-ranges": "bytes"}
    if (early := precondition_response(request, etag, headers)) is not None:
        return early
    limits = _range(request, etag, len(body))
    if limits is None:
        return PiecewiseResponse(body, media_type=media_type, headers=shared)
    first, end = limits
    if first >= end:
        unsatisfied = {"content-range": f"bytes */{len(body)}"}
        return PlainTextResponse(
            "The requested range is beyond the end; content-range states the length.", 416, headers=unsatisfied
        )
    shared["content-range"] = f"bytes {first}-{end - 1}/{len(body)}"
    return PiecewiseResponse(memoryview(body)[first:end], 206, media_type=media_type, headers=shared)


def _range(request: Request, etag: str, length: int) -> tuple[int, int] | None:
    """Return the range's first byte and the one after its last; equal if the range is empty, None to send the whole body."""
    match = _ONE_RANGE.fullmatch(request.headers.get("range", ""))
    if request.method != "GET" or match is None or request.headers.get("if-range", etag) != etag:
        return None
    first, last = match["first"], match["last"]
    if first is None:
        return (max(0, length - int(last)), length) if last is not None else None
    if last is not None and int(last) < int(first):
        return None
    return min(int(first), length), length if last is None else min(int(last) + 1, length)


def _names(tags: str, etag: str, *, is_weak_enough: bool) -> bool:
    listed = [tag.strip() for tag in tags.split(",")]
    return "*" in listed or etag in [tag.removeprefix("W/") if is_weak_enough else tag for tag in listed]
