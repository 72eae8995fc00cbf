"""Thumbnails over HTTP: the warehouse's PNGs, one address per image.

Belongs here: checking the address, reading the object, caching. Not here: making thumbnails.
"""

from __future__ import annotations

import asyncio
import hashlib
import re

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from medsearch_api.middleware import ERRORS
from medsearch_core.errors import ObjectNotFound, StorageError
from medsearch_core.keys import StudyKey
from medsearch_core.storage.object_store import ObjectStore
from medsearch_core.storage.warehouse import thumbnail_path

ROUTE = "/thumbnails/{patient}/{study}/{image}.png"
_IMAGE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def thumbnail_url(patient: str, study: str, image_id: str) -> str:
    """The path of an image's thumbnail below the service's root."""
    return ROUTE.format(patient=patient, study=study, image=image_id)


async def thumbnail(request: Request) -> Response:
    """Answers a GET or HEAD of a thumbnail. Browsers may keep it, proxies may not, and it is revalidated after a minute."""
    path = _path(**request.path_params)
    store: ObjectStore = request.app.state.backends.warehouse.store
    if path is None:
        return PlainTextResponse("No such image.", 404)
    try:
        png = await asyncio.to_thread(store.read, path)
    except ObjectNotFound:
        return PlainTextResponse("No such image.", 404)
    except StorageError as error:
        ERRORS.error("a thumbnail could not be read: %s", type(error).__name__)
        return PlainTextResponse("The image cannot be read now.", 503)
    headers = {
        "etag": f'"{hashlib.sha256(png).hexdigest()}"',
        "cache-control": "private, max-age=60, must-revalidate",
        "cross-origin-resource-policy": "same-site",  # Dagster's UI, on another port, shows them as previews
    }
    if _matches(request.headers.get("if-none-match", ""), headers["etag"]):
        return Response(status_code=304, headers=headers)
    return Response(png, media_type="image/png", headers=headers)


def _path(patient: str, study: str, image: str) -> str | None:
    """Where the thumbnail lies, or None if the address is not one that this service gives out."""
    try:
        key = StudyKey(patient, study)
    except ValueError:
        return None
    return thumbnail_path(key, image) if _IMAGE_ID.fullmatch(image) else None


def _matches(if_none_match: str, etag: str) -> bool:
    """Whether the browser holds this version (weak comparison, RFC 9110 section 13.1.2)."""
    held = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in held or "*" in held
