"""HTTP errors for unavailable originals and renderings: a status and a sentence, never data.

Belongs here: the mapping of exceptions to statuses, and the wrapper that applies it to routes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from medsearch_api.http.logs import ERRORS
from medsearch_core.errors import (
    BadInput,
    ConfigurationError,
    InvalidQuery,
    MedsearchError,
    ObjectNotFound,
    StorageError,
    TooManyPixels,
)

TOO_MANY_PIXELS = "The frame exceeds this service's pixel limit; raise MEDSEARCH_API_MAX_PIXELS."
CLIENT_CLOSED_REQUEST = 499
"""Of a response that nobody receives, for the log."""

Handler = Callable[[Request], Awaitable[Response]]


class RequestError(MedsearchError):
    """A request that fails with an HTTP status and a message.

    Args:
        status: HTTP status code.
        message: a sentence for the client, free of patient data.
        retry_after: seconds after which a retry may succeed.
    """

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.retry_after = status, message, retry_after


def error_response(error: MedsearchError) -> Response:
    """Return the response for a failed request. Errors of the service itself are logged by type."""
    if not isinstance(error, RequestError | InvalidQuery | BadInput):
        ERRORS.error("original unavailable: %s", type(error).__name__)
    request_error = _to_request_error(error)
    headers = {} if request_error.retry_after is None else {"retry-after": str(request_error.retry_after)}
    return PlainTextResponse(request_error.message, request_error.status, headers=headers)


def _to_request_error(error: MedsearchError) -> RequestError:
    if isinstance(error, RequestError):
        return error
    if isinstance(error, InvalidQuery):
        return RequestError(400, f"Invalid request: {error}.")
    if isinstance(error, TooManyPixels):
        return RequestError(413, TOO_MANY_PIXELS)
    if isinstance(error, BadInput):
        return RequestError(422, f"The original cannot be displayed ({error.reason}): {error.detail}.")
    if isinstance(error, ObjectNotFound):
        return RequestError(503, "The original is no longer in the landing store. Restore it there, then try again.")
    if isinstance(error, StorageError):
        return RequestError(503, "The store is unavailable. Try again.", 5)
    if isinstance(error, ConfigurationError):
        return RequestError(503, "This service is not configured to read or decode this original. See its log for details.")
    return RequestError(500, "Internal error. See the service's log for details.")


def with_error_responses(handler: Handler) -> Handler:
    """Wrap the handler so that this project's own exceptions become error responses, and that it ends with its client."""

    async def handle(request: Request) -> Response:
        try:
            return await _while_connected(request, handler)
        except MedsearchError as error:
            return error_response(error)

    return handle


async def _while_connected(request: Request, handler: Handler) -> Response:
    """Return the handler's response; cancel it if the client disconnects, or if this is cancelled."""
    work = asyncio.ensure_future(handler(request))
    disconnect = asyncio.ensure_future(_disconnect(request))
    try:
        await asyncio.wait((work, disconnect), return_when=asyncio.FIRST_COMPLETED)
        return await work if work.done() else Response(status_code=CLIENT_CLOSED_REQUEST)
    finally:
        work.cancel()
        disconnect.cancel()
        await asyncio.gather(work, disconnect, return_exceptions=True)


async def _disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
