"""Thumbnails over HTTP: the warehouse's PNGs, one URL per image.

Belongs here: checking the URL and reading the object. Not here: creating thumbnails.
"""

from __future__ import annotations

import asyncio
import hashlib

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from medsearch_api.http.conditional import PRIVATE, conditional_response
from medsearch_api.http.logs import ERRORS
from medsearch_api.imaging.paths import parse_study_key
from medsearch_core.errors import ObjectNotFound, StorageError
from medsearch_core.storage.object_store import ObjectStore
from medsearch_core.storage.warehouse import thumbnail_path

ROUTE = "/thumbnails/{patient}/{study}/{image}.png"
_HEADERS = {**PRIVATE, "cross-origin-resource-policy": "same-site"}
"""Dagster's UI, served from another port, shows them as previews."""


def thumbnail_url(patient: str, study: str, image_id: str) -> str:
    """Return the path of an image's thumbnail, relative to the service's root."""
    return ROUTE.format(patient=patient, study=study, image=image_id)


async def thumbnail(request: Request) -> Response:
    """Respond to GET or HEAD of a thumbnail."""
    image = request.path_params["image"]
    study = parse_study_key(**request.path_params)
    store: ObjectStore = request.app.state.backends.warehouse.store
    if study is None:
        return PlainTextResponse("No such image.", 404)
    try:
        png = await asyncio.to_thread(store.read, thumbnail_path(study, image))
    except ObjectNotFound:
        return PlainTextResponse("No such image.", 404)
    except StorageError as error:
        ERRORS.error("thumbnail unavailable: %s", type(error).__name__)
        return PlainTextResponse("The thumbnail is unavailable. Try again.", 503)
    return conditional_response(request, png, "image/png", f'"{hashlib.sha256(png).hexdigest()}"', _HEADERS)
