"""GraphQL's refusals over HTTP, before a document is read: a code and a sentence as in every other answer."""

from __future__ import annotations

from typing import Any

from cross_web import HTTPException
from starlette.responses import JSONResponse

from medsearch_api.schema.errors import Code

NO_JSON = "Unable to parse request body as JSON"


class TypedRefusals:
    """Put before strawberry's view: what it refuses (no JSON, another content type, a batch of operations) gets a code."""

    def decode_json(self, data: str | bytes) -> Any:
        """The request's body, an object or a list.

        Raises:
            HTTPException: it is no JSON, or nested too deep for the parser, or something else.
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
        except HTTPException as refused:
            told = {"message": refused.reason, "extensions": {"code": Code.BAD_USER_INPUT.value}}
            return JSONResponse({"errors": [told]}, refused.status_code)
