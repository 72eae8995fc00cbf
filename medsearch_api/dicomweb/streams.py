"""Responses with many objects, sent one at a time so that at most one is in memory."""

from __future__ import annotations

import secrets
import threading
from collections.abc import AsyncIterator, Mapping

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from medsearch_api.imaging.errors import RequestError

MAX_CONCURRENT_STREAMS = 8
PIECE_BYTES = 2**20
_SLOTS = threading.BoundedSemaphore(MAX_CONCURRENT_STREAMS)


def share(processes: int) -> None:
    """Leave this process its share of the streams, before the first."""
    global _SLOTS
    _SLOTS = threading.BoundedSemaphore(max(1, MAX_CONCURRENT_STREAMS // processes))


class Stream(StreamingResponse):
    """A streamed response; at most `MAX_CONCURRENT_STREAMS` are in progress in all processes.

    An error after the start, when the status has already been sent, closes the connection, so that a client never takes a
    partial response for a complete one.

    Raises:
        RequestError: 503, too many streams are in progress.
    """

    def __init__(self, body: AsyncIterator[bytes], media_type: str) -> None:
        if not _SLOTS.acquire(blocking=False):
            raise RequestError(503, "Too many downloads are in progress. Try again.", 5)
        super().__init__(body, media_type=media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            _SLOTS.release()


class Multipart:
    """The delimiters of a multipart/related body (RFC 2046 section 5.1.1, RFC 2387).

    Args:
        media_type: media type of the parts.
    """

    def __init__(self, media_type: str) -> None:
        self._boundary = secrets.token_hex(16)
        self.media_type = f'multipart/related; type="{media_type}"; boundary={self._boundary}'

    async def body(self, parts: AsyncIterator[tuple[Mapping[str, str], bytes | memoryview]]) -> AsyncIterator[bytes]:
        """Yield the body, given the header fields and bytes of each part."""
        async for fields, data in parts:
            head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            yield f"--{self._boundary}\r\n{head}Content-Length: {len(data)}\r\n\r\n".encode()
            for at in range(0, len(data), PIECE_BYTES):
                yield bytes(data[at : at + PIECE_BYTES])
            data = b""  # freed before the next one is read
            yield b"\r\n"
        yield f"--{self._boundary}--\r\n".encode()
