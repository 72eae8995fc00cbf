"""A client's connection, closed if its request does not arrive, or its response is not taken, in bounded time.

uvicorn bounds only the time between requests. A client that sends a byte now and then would hold a connection forever, and with
a body a request.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 20.0
"""Until a request's header is complete, from the connection or the header's first byte."""
BODY_SECONDS, BODY_BYTES_PER_SECOND = 20.0, 10_000
"""Until a request's body is complete: so long, and a second more for so many bytes that have arrived."""
UNTAKEN_SECONDS = 60.0
"""In which a client must take some of a response that waits for it, about 64 kB."""
MAX_HEADER_BYTES = 2**16


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's connection with bounds on its time and on the size of a request's header."""

    header_seconds, body_seconds, untaken_seconds = HEADER_SECONDS, BODY_SECONDS, UNTAKEN_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_receiving, self._is_in_body, self._bytes = False, False, 0
        self._deadline: asyncio.TimerHandle | None = None
        self._untaken: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_header()

    def connection_lost(self, exc: Exception | None) -> None:
        _cancel(self._deadline)
        _cancel(self._untaken)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._is_receiving:
            self._expect_header()
        if not self._is_in_body:
            self._bytes += len(data)
        super().data_received(data)
        if self._is_receiving and not self._is_in_body and self._bytes > MAX_HEADER_BYTES:
            self.transport.abort()

    def on_message_begin(self) -> None:
        if not self._is_receiving:  # of a request that came together with the one before
            self._expect_header()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._is_in_body, self._bytes = True, 0
        self._expire_after(self.body_seconds)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_receiving = False
        _cancel(self._deadline)
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        _cancel(self._untaken)
        self._untaken = self.loop.call_later(self.untaken_seconds, self._abort)

    def resume_writing(self) -> None:
        _cancel(self._untaken)
        super().resume_writing()

    def _expect_header(self) -> None:
        self._is_receiving, self._is_in_body, self._bytes = True, False, 0
        self._expire_after(self.header_seconds)

    def _expire_after(self, seconds: float) -> None:
        _cancel(self._deadline)
        self._deadline = self.loop.call_later(seconds, self._expire)

    def _expire(self) -> None:
        """Close the connection, unless its body has come fast enough so far."""
        if self._is_in_body and self.flow.read_paused:  # it is the service that does not read
            self._expire_after(self.body_seconds)
        elif self._is_in_body and self._bytes >= BODY_BYTES_PER_SECOND:
            seconds, self._bytes = self._bytes / BODY_BYTES_PER_SECOND, 0
            self._expire_after(seconds)
        else:
            self._abort()

    def _abort(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
