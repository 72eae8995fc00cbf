"""Serving of the page's files."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parents[1] / "web"
SERVED_SUFFIXES = frozenset({".css", ".js", ".svg"})
NO_CACHE = {"cache-control": "no-cache"}
"""Browsers revalidate every file, so that the page and its modules come from the same release."""


async def index(request: Request) -> Response:
    """Return the page itself."""
    return FileResponse(FOLDER / "index.html", headers=NO_CACHE)


class PageFiles(StaticFiles):
    """Serves the page's styles, scripts and images, and nothing else from its folder."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER)

    async def get_response(self, path: str, scope: Scope) -> Response:
        if os.path.splitext(path)[1] not in SERVED_SUFFIXES:
            raise HTTPException(404)
        response = await super().get_response(path, scope)
        response.headers.update(NO_CACHE)
        return response
