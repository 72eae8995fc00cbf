"""UIDs in URLs, and the instances that they name in the warehouse."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.requests import Request

from medsearch_api.backends.tables import ImageSource
from medsearch_api.dicomweb.queries import UID
from medsearch_api.imaging.errors import RequestError
from medsearch_api.imaging.services import Imaging

_KEYWORDS = {"study": "StudyInstanceUID", "series": "SeriesInstanceUID", "instance": "SOPInstanceUID"}


def parse_uids(request: Request) -> Mapping[str, str]:
    """Return keyword → UID for the UIDs in the URL.

    Raises:
        RequestError: 400, one of them is not a valid UID.
    """
    uids = {_KEYWORDS[name]: uid for name, uid in request.path_params.items() if name in _KEYWORDS}
    if not all(UID.fullmatch(uid) for uid in uids.values()):
        raise RequestError(400, "The URL contains an invalid UID.")
    return uids


async def find_images(request: Request) -> list[ImageSource]:
    """Return the images (every frame) of the study, series or instance in the URL, as currently in the warehouse.

    The UID index, which may lag behind, only determines which studies to read.

    Raises:
        RequestError: 404, there are none; 409, several objects have the instance's UIDs; or as `UidIndex.wait_until_ready`.
        StorageError: the warehouse cannot be read.
    """
    uids = parse_uids(request)
    imaging: Imaging = request.app.state.imaging
    await imaging.uid_index.wait_until_ready()
    keys = await asyncio.to_thread(imaging.uid_index.find_studies, *uids.values())
    prefix = tuple(uids.values())
    images = [
        image
        for study_images in (await asyncio.to_thread(imaging.tables.sources, keys) if keys else ())
        for image in study_images
        if (image.study_instance_uid, image.series_instance_uid, image.sop_instance_uid)[: len(prefix)] == prefix
        and image.series_instance_uid
    ]
    if not images:
        raise RequestError(404, "No ingested study, series or instance has these UIDs.")
    if len(prefix) == len(_KEYWORDS) and len({image.key for image in images}) > 1:
        raise RequestError(409, "Several objects have these UIDs. Retrieve their study instead.")
    return images


def distinct_objects(images: list[ImageSource]) -> list[ImageSource]:
    """Return one image of each landed object, in the given order."""
    return list({image.key: image for image in reversed(images)}.values())[::-1]
