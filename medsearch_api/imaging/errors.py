"""What a client is told when an original or a picture of it cannot be had: a status and a sentence, never data.

Belongs here: which exception becomes which status, and the wrapper that routes are put in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from medsearch_api.http.logs import ERRORS
from medsearch_core.errors import BadInput, ConfigurationError, InvalidQuery, MedsearchError, ObjectNotFound, StorageError

Handler = Callable[[Request], Awaitable[Response]]


class RequestError(MedsearchError):
    """A request that is answered with a status and a sentence.

    Args:
        status: of HTTP.
        message: told to the client, free of data.
        retry_after: seconds after which asking again may help.
    """

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.retry_after = status, message, retry_after


def error_response(error: MedsearchError) -> Response:
    """The answer to a request that failed. Faults that are ours are logged by their type."""
    if not isinstance(error, RequestError | InvalidQuery | BadInput):
        ERRORS.error("an original could not be had: %s", type(error).__name__)
    request_error = _to_request_error(error)
    headers = {} if request_error.retry_after is None else {"retry-after": str(request_error.retry_after)}
    return PlainTextResponse(request_error.message, request_error.status, headers=headers)


def _to_request_error(error: MedsearchError) -> RequestError:
    if isinstance(error, RequestError):
        return error
    if isinstance(error, InvalidQuery):
        return RequestError(400, f"This cannot be asked: {error}.")
    if isinstance(error, BadInput):
        return RequestError(422, f"The original cannot be shown ({error.reason}): {error.detail}.")
    if isinstance(error, ObjectNotFound):
        return RequestError(503, "The original is not in the landing store now.")
    if isinstance(error, StorageError):
        return RequestError(503, "The store cannot be read now. Try again.", 5)
    if isinstance(error, ConfigurationError):
        return RequestError(503, "This service is not set up to read or decode this original; its log says more.")
    return RequestError(500, "Something went wrong here. It was logged.")


def with_error_responses(handler: Handler) -> Handler:
    """The handler, with what this project raises on purpose turned into answers."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except MedsearchError as error:
            return error_response(error)

    return handle
