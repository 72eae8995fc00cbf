"""Thumbnails over HTTP: the warehouse's PNGs, and a small WebP of each, under two URLs per image.

Belongs here: checking the URL and reading the object. Not here: creating thumbnails.
"""

from __future__ import annotations

import hashlib

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from medsearch_api.http.conditional import PRIVATE, conditional_response, precondition_response
from medsearch_api.http.logs import ERRORS
from medsearch_api.http.quick_threads import run_quickly
from medsearch_api.imaging.errors import RequestError, error_response
from medsearch_api.imaging.paths import parse_study_key
from medsearch_api.imaging.small_thumbnails import VERSION, encode_small
from medsearch_core.errors import BadInput, ObjectNotFound, StorageError
from medsearch_core.keys import digest_of
from medsearch_core.storage.object_store import ObjectStore
from medsearch_core.storage.warehouse import thumbnail_path

ROUTE = "/thumbnails/{patient}/{study}/{image}.png"
SMALL_ROUTE = "/thumbnails/{patient}/{study}/{image}.webp"
_HEADERS = {**PRIVATE, "cross-origin-resource-policy": "same-site"}
"""Dagster's UI, served from another port, shows them as previews."""


def thumbnail_url(patient: str, study: str, image_id: str) -> str:
    """Return the path of an image's thumbnail, relative to the service's root."""
    return ROUTE.format(patient=patient, study=study, image=image_id)


def small_thumbnail_url(patient: str, study: str, image_id: str) -> str:
    """Return the path of an image's small thumbnail, relative to the service's root."""
    return SMALL_ROUTE.format(patient=patient, study=study, image=image_id)


async def thumbnail(request: Request) -> Response:
    """Respond to GET or HEAD of a thumbnail."""
    try:
        png = await _read(request)
    except RequestError as error:
        return error_response(error)
    return conditional_response(request, png, "image/png", f'"{hashlib.sha256(png).hexdigest()}"', _HEADERS)


async def small_thumbnail(request: Request) -> Response:
    """Respond to GET or HEAD of a small thumbnail."""
    try:
        png = await _read(request)
        etag = f'"{digest_of("small thumbnail", VERSION, hashlib.sha256(png).hexdigest())}"'
        if (early := precondition_response(request, etag, _HEADERS)) is not None:
            return early
        cache = request.app.state.imaging.renderer.cache
        small = cache.get(etag)
        if small is None:
            small = await run_quickly(encode_small, png)
            cache.put(etag, small)
    except (RequestError, BadInput) as error:
        return error_response(error)
    return conditional_response(request, small, "image/webp", etag, _HEADERS)


async def _read(request: Request) -> bytes:
    """Return the stored thumbnail.

    Raises:
        RequestError: 404, there is none; 503, the warehouse cannot be read.
    """
    study = parse_study_key(**request.path_params)
    store: ObjectStore = request.app.state.backends.warehouse.store
    if study is None:
        raise RequestError(404, "No such image.")
    try:
        return await run_quickly(store.read, thumbnail_path(study, request.path_params["image"]))
    except ObjectNotFound:
        raise RequestError(404, "No such image.") from None
    except StorageError as error:
        ERRORS.error("thumbnail unavailable: %s", type(error).__name__)
        raise RequestError(503, "The thumbnail is unavailable. Try again.") from None


ROUTES = [Route(ROUTE, thumbnail), Route(SMALL_ROUTE, small_thumbnail)]
