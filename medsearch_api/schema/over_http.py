"""GraphQL over HTTP, before a document is parsed: forms with a file, and errors with a code and a sentence.

Forms follow the GraphQL multipart request specification: `operations`, `map`, and at most one file.
"""

from __future__ import annotations

from typing import Any

from cross_web import AsyncHTTPRequestAdapter, FormData, HTTPException
from cross_web.request import StarletteRequestAdapter
from starlette.responses import JSONResponse

from medsearch_api.http.error_codes import Code
from medsearch_api.http.middleware import is_form
from medsearch_api.uploads.embedder_client import EMBEDDER_NOT_CONFIGURED
from medsearch_api.uploads.forms import UploadSlots, read_form

NO_JSON = "Unable to parse request body as JSON"
CODES = {415: Code.UNAVAILABLE, 503: Code.UNAVAILABLE}


class CodedErrors:
    """Mixin before strawberry's view: gives its errors (invalid JSON, wrong content type, batched operations) a code."""

    def decode_json(self, data: str | bytes) -> Any:
        """Parse the request's body as a JSON object or list.

        Raises:
            HTTPException: it is not JSON, is nested too deeply for the parser, or is another kind of value.
        """
        try:
            decoded = super().decode_json(data)  # type: ignore[misc]
        except (ValueError, RecursionError):
            raise HTTPException(400, NO_JSON) from None
        if not isinstance(decoded, dict | list):
            raise HTTPException(400, "The request body must be a JSON object")
        return decoded

    async def run(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super().run(request, *args, **kwargs)  # type: ignore[misc]
        except HTTPException as exception:
            code = CODES.get(exception.status_code, Code.BAD_USER_INPUT)
            error = {"message": exception.reason, "extensions": {"code": code.value}}
            return JSONResponse({"errors": [error]}, exception.status_code)


class InMemoryForms:
    """Mixin before strawberry's view: limits concurrent forms, and rejects forms if there is no embedder.

    The view's requests must be `InMemoryRequest`.
    """

    multipart_uploads_enabled: bool

    def __init__(self, *args: Any, has_embedder: bool, slots: UploadSlots | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._has_embedder = has_embedder
        self._slots = slots

    async def run(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if self._slots is None or not is_form(request.headers):
            return await super().run(request, *args, **kwargs)  # type: ignore[misc]
        if not self._has_embedder:
            raise HTTPException(415, EMBEDDER_NOT_CONFIGURED)
        async with self._slots.acquire():
            return await super().run(request, *args, **kwargs)  # type: ignore[misc]

    async def parse_multipart(self, request: AsyncHTTPRequestAdapter) -> dict[str, str]:
        try:
            operations: dict[str, str] = await super().parse_multipart(request)  # type: ignore[misc]
        except (AttributeError, IndexError, TypeError, ValueError):
            raise HTTPException(400, "The form's map does not match its operations") from None
        return operations


class InMemoryRequest(StarletteRequestAdapter):
    """A request whose form is never written to disk."""

    async def get_form_data(self) -> FormData:
        form = await read_form(self._request)
        return FormData(files=form.files, form=form.fields)
