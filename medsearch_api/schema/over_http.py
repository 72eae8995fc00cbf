"""GraphQL's refusals over HTTP, before a document is read: a code and a sentence as in every other answer."""

from __future__ import annotations

from typing import Any

from cross_web import HTTPException
from starlette.responses import JSONResponse

from medsearch_api.schema.errors import Code


class TypedRefusals:
    """Put before strawberry's view: what it refuses (no JSON, another content type, a batch of operations) gets a code."""

    async def run(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super().run(request, *args, **kwargs)  # type: ignore[misc]
        except HTTPException as refused:
            told = {"message": refused.reason, "extensions": {"code": Code.BAD_USER_INPUT.value}}
            return JSONResponse({"errors": [told]}, refused.status_code)
