"""Conditional requests and byte ranges over a body that is at hand (RFC 9110 sections 13 and 14).

Belongs here: what If-Match, If-None-Match, If-Range and Range make of an answer. Not here: where the bytes and their tag come
from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

_ONE_RANGE = re.compile(r"bytes=[ \t]*(?P<first>\d{1,18})?-(?P<last>\d{1,18})?[ \t]*", re.IGNORECASE)

PRIVATE = {"cache-control": "private, max-age=60, must-revalidate"}
"""Browsers may keep it, proxies may not, and it is revalidated after a minute."""


def precondition_response(request: Request, etag: str, headers: Mapping[str, str]) -> Response | None:
    """The answer that needs no body: 412 if If-Match names another version, 304 if the client holds this one; else None.

    Args:
        etag: a strong entity tag with its quotes.
        headers: sent with a 304, as they would be with the body.
    """
    if_match = request.headers.get("if-match")
    if if_match is not None and not _names(if_match, etag, is_weak_enough=False):
        return PlainTextResponse("The version asked for is not there.", 412)
    if _names(request.headers.get("if-none-match", ""), etag, is_weak_enough=True):
        return Response(status_code=304, headers={**headers, "etag": etag})
    return None


def conditional_response(request: Request, body: bytes, media_type: str, etag: str, headers: Mapping[str, str]) -> Response:
    """The whole body, or the part of it, that a request asks for.

    One range is answered with 206, or 416 if it lies beyond the end; a list of several, another unit and what is no range are
    ignored, which section 14.2 leaves to the server.
    """
    shared = {**headers, "etag": etag, "accept-ranges": "bytes"}
    if (early := precondition_response(request, etag, headers)) is not None:
        return early
    limits = _range(request, etag, len(body))
    if limits is None:
        return Response(body, media_type=media_type, headers=shared)
    first, end = limits
    if first >= end:
        unsatisfied = {"content-range": f"bytes */{len(body)}"}
        return PlainTextResponse("The range lies beyond the end.", 416, headers=unsatisfied)
    shared["content-range"] = f"bytes {first}-{end - 1}/{len(body)}"
    return Response(body[first:end], 206, media_type=media_type, headers=shared)


def _range(request: Request, etag: str, length: int) -> tuple[int, int] | None:
    """First byte and the one after the last; equal if nothing of the range is there, None if all is to be sent."""
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
