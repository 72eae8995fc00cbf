"""The embedder over HTTP: `create_app` builds it, `serve` runs it. A file is kept only in memory, while it is embedded."""

from __future__ import annotations

import asyncio
import signal
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from medsearch_core.dicom.thumbnails import encode_png
from medsearch_core.workers.limits import Limits
from medsearch_core.workers.pool import Workers
from medsearch_core.workers.process import confined_server
from medsearch_pipeline.embedder.access import access_of
from medsearch_pipeline.embedder.errors import ErrorResponse, MaskedErrors
from medsearch_pipeline.embedder.pictures import Picture, PictureReader
from medsearch_pipeline.models.preprocessing import letterbox
from medsearch_pipeline.models.protocol import Embedder
from medsearch_pipeline.models.registry import load_embedder
from medsearch_pipeline.settings import Settings

MAX_CONCURRENT_UPLOADS = 4
"""Files in memory at once: one is embedded, the others wait."""
ARRIVAL_SECONDS = 20
"""Time limit for an upload. Without it, a stalled one would hold its place forever and block shutdown."""
PATIENCE_SECONDS = 60
BLACK = np.zeros((64, 64), np.uint8)


def create_app(settings: Settings, embedder: Embedder) -> Starlette:
    """The ASGI application.

    Raises:
        ConfigurationError: other machines can reach it, and no token is set.
    """
    limits = Limits(settings.embedder_seconds, int(settings.embedder_memory_gib * 2**30), PATIENCE_SECONDS)
    server = confined_server(["medsearch_pipeline.embedder.pictures"])
    workers = Workers(1, limits, server, packages=["medsearch_core", "medsearch_pipeline"])
    pictures = PictureReader(workers, settings.thumbnail_side, settings.embedder_max_pixels)
    service = EmbedderService(embedder, pictures, settings.embedder_max_bytes)
    guard = access_of(settings.embedder_host, settings.embedder_token.get_secret_value())
    return Starlette(
        routes=[
            Route("/healthz", health),
            Route("/model", service.model),
            Route("/embed", service.embed, methods=["POST"]),
        ],
        middleware=[Middleware(MaskedErrors), *guard],
        lifespan=service.lifespan,
    )


def serve(settings: Settings) -> int:
    """Loads the model and serves until it is stopped; returns 0.

    Raises:
        ConfigurationError: the weights are not available, or other machines can reach it and no token is set.
    """
    access_of(settings.embedder_host, settings.embedder_token.get_secret_value())
    embedder = load_embedder(settings.model, settings.weights, 1, settings.engine_options)
    embedder.embed(np.zeros((1, embedder.side, embedder.side, 3), np.uint8))  # the first call is slow
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # uvicorn raises it again at shutdown, before workers end
    uvicorn.run(
        create_app(settings, embedder),
        host=settings.embedder_host,
        port=settings.embedder_port,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=ARRIVAL_SECONDS,
    )
    return 0


async def health(request: Request) -> JSONResponse:
    """Answers that the process is up and the model is loaded."""
    return JSONResponse({"status": "ok"})


class EmbedderService:
    """The routes of one model, which serves one request at a time."""

    def __init__(self, embedder: Embedder, pictures: PictureReader, max_bytes: int) -> None:
        self._embedder, self._pictures, self._max_bytes = embedder, pictures, max_bytes
        self._turn = asyncio.Lock()
        self._held = 0

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Reads one file before serving, so that no upload waits for the worker process to start."""
        await asyncio.to_thread(self._pictures.read, encode_png(BLACK))
        yield
        self._pictures.workers.close()

    async def model(self, request: Request) -> JSONResponse:
        """The model's id, version and dimensions."""
        return JSONResponse(self._named())

    async def embed(self, request: Request) -> Response:
        """The vector of the file in the request body, and the image that the model saw."""
        if self._held >= MAX_CONCURRENT_UPLOADS:
            return ErrorResponse(503, "busy", "the embedder is at its limit of concurrent files; try again").response()
        self._held += 1
        try:
            data = await body_of(request, self._max_bytes)
            if isinstance(data, ErrorResponse):
                return data.response()
            async with self._turn:
                if await request.is_disconnected():
                    return Response(status_code=204)
                return await asyncio.to_thread(self._embedded, data)
        except ClientDisconnect:
            return Response(status_code=204)
        finally:
            self._held -= 1

    def _embedded(self, data: bytes) -> JSONResponse:
        picture = self._pictures.read(data)
        if isinstance(picture, ErrorResponse):
            return picture.response()
        vector = self._embedder.embed(letterbox(picture.pixels, self._embedder.side)[np.newaxis])[0]
        if not np.isfinite(vector).all():
            return ErrorResponse(400, "vector_not_finite", "the model's vector for this file is not finite").response()
        encoded = b64encode(vector.astype("<f4").tobytes()).decode()
        return JSONResponse(self._named() | described(picture) | {"vector": encoded})

    def _named(self) -> dict[str, Any]:
        return {name: getattr(self._embedder, name) for name in ("model_id", "model_version", "dimensions")}


def described(picture: Picture) -> dict[str, Any]:
    """The facts about the input image, with the image as a PNG in base64."""

    facts = {name: getattr(picture, name) for name in ("format", "frame", "frames", "rows", "columns")}
    return facts | {"thumbnail": b64encode(encode_png(picture.pixels)).decode()}


async def body_of(request: Request, max_bytes: int) -> bytes | ErrorResponse:
    """The body, or the error that ended its reading."""
    too_large = ErrorResponse(413, "too_large", f"the file has more than {max_bytes} bytes")
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > max_bytes:
        return too_large
    data = bytearray()
    try:
        async with asyncio.timeout(ARRIVAL_SECONDS):
            async for chunk in request.stream():
                data += chunk
                if len(data) > max_bytes:
                    return too_large
    except TimeoutError:
        return ErrorResponse(408, "too_slow", f"the file did not arrive within {ARRIVAL_SECONDS} s")
    return bytes(data)
