"""UIDs in addresses, and the instances they name in what the warehouse holds now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.requests import Request

from medsearch_api.backends.tables import ImageSource
from medsearch_api.dicomweb.queries import UID
from medsearch_api.imaging.refusals import Refused
from medsearch_api.imaging.services import Imaging

_KEYWORDS = {"study": "StudyInstanceUID", "series": "SeriesInstanceUID", "instance": "SOPInstanceUID"}


def uids_of(request: Request) -> Mapping[str, str]:
    """Keyword → UID, of those that the address names.

    Raises:
        Refused: 400, one is no UID.
    """
    found = {_KEYWORDS[name]: uid for name, uid in request.path_params.items() if name in _KEYWORDS}
    if not all(UID.fullmatch(uid) for uid in found.values()):
        raise Refused(400, "A UID in the address is no UID.")
    return found


async def images_of(request: Request) -> list[ImageSource]:
    """The images (every frame) of the study, series or instance that the address names, as the warehouse has them now.

    The catalogue, which may lag behind, says only which studies to look into.

    Raises:
        Refused: 404, there is none; 409, several objects are one instance; or as `Catalogue.up_to_date`.
        StorageError: the warehouse cannot be read.
    """
    uids = uids_of(request)
    imaging: Imaging = request.app.state.imaging
    await imaging.catalogue.up_to_date()
    keys = await asyncio.to_thread(imaging.catalogue.studies, *uids.values())
    wanted = tuple(uids.values())
    found = [
        image
        for images in (await asyncio.to_thread(imaging.tables.sources, keys) if keys else ())
        for image in images
        if (image.study_instance_uid, image.series_instance_uid, image.sop_instance_uid)[: len(wanted)] == wanted
        and image.series_instance_uid
    ]
    if not found:
        raise Refused(404, "Nothing with these UIDs was ingested.")
    if len(wanted) == len(_KEYWORDS) and len({image.key for image in found}) > 1:
        raise Refused(409, "Several objects have these UIDs: retrieve their study.")
    return found


def objects_of(images: list[ImageSource]) -> list[ImageSource]:
    """One image of each landed object, in the order given."""
    return list({image.key: image for image in reversed(images)}.values())[::-1]
