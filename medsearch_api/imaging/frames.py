"""Frames in full resolution over HTTP: `/images/{patient}/{study}/{image_id}.png?center=&width=&invert=&side=`.

`….values?side=` gives the modality values of a frame in place of a picture, for a client that windows them itself.

Belongs here: the addresses and their parameters. Not here: decoding, windowing and caching.
"""

from __future__ import annotations

import asyncio

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from medsearch_api.backends.tables import ImageSource
from medsearch_api.http.conditional import PRIVATE, answer, unsent
from medsearch_api.imaging.parameters import count, flag, number, once
from medsearch_api.imaging.paths import study_of
from medsearch_api.imaging.refusals import Refused, refusing
from medsearch_api.imaging.rendering import PNG, Rendering
from medsearch_api.imaging.services import Imaging
from medsearch_api.imaging.values import HEADERS, MEDIA_TYPE, ValuesAsked, accepts_gzip
from medsearch_core.dicom.grayscale import Window
from medsearch_core.errors import InvalidQuery

MAX_SIDE = 65535
ROUTE = "/images/{patient}/{study}/{image}.png"
VALUES_ROUTE = "/images/{patient}/{study}/{image}.values"
PARAMETERS = ("center", "width", "function", "invert", "side")


def frame_url(patient: str, study: str, image_id: str) -> str:
    """The path of an image's picture in full resolution below the service's root."""
    return ROUTE.format(patient=patient, study=study, image=image_id)


def rendering_of(query: QueryParams) -> Rendering:
    """How a frame is to be shown.

    `center` and `width` (of the modality's values, PS3.3 C.11.2.1.2) come together, `function` (LINEAR, LINEAR_EXACT or
    SIGMOID) only with them; `invert` is true or false; `side` is the most pixels of the longer side.

    Raises:
        InvalidQuery: a parameter is unknown, repeated or out of range.
    """
    given = once(query, PARAMETERS)
    if ("center" in given) != ("width" in given) or ("function" in given and "width" not in given):
        raise InvalidQuery("center and width come together, and function only with them")
    window = None
    if "width" in given:
        function = given.get("function", "LINEAR").upper()
        window = Window(number("center", given["center"]), number("width", given["width"]), function)
    return Rendering(
        window=window,
        is_inverted=flag("invert", given["invert"]) if "invert" in given else False,
        longest_side=count("side", given["side"], 1, MAX_SIDE) if "side" in given else None,
    )


async def frame(request: Request) -> Response:
    """Answers a GET or HEAD of a frame's picture."""
    rendering = rendering_of(request.query_params)
    source = await source_of(request)
    etag = rendering.etag(source)
    held = unsent(request, etag, PRIVATE)
    if held is not None:
        return held
    imaging: Imaging = request.app.state.imaging
    return answer(request, await imaging.renderer.picture(source, rendering), PNG, etag, PRIVATE)


async def values(request: Request) -> Response:
    """Answers a GET or HEAD of a frame's values."""
    given = once(request.query_params, ("side",))
    side = count("side", given["side"], 1, MAX_SIDE) if "side" in given else None
    asked = ValuesAsked(side, is_gzip=accepts_gzip(request.headers.get("accept-encoding", "")))
    source = await source_of(request)
    etag = asked.etag(source)
    held = unsent(request, etag, HEADERS)
    if held is not None:
        return held
    imaging: Imaging = request.app.state.imaging
    encoding = {"content-encoding": "gzip"} if asked.is_gzip else {}
    return answer(request, await imaging.renderer.values(source, asked), MEDIA_TYPE, etag, HEADERS | encoding)


async def source_of(request: Request) -> ImageSource:
    """Where the pixels of the image that is asked for are.

    Raises:
        Refused: 404, there is no such image.
    """
    study = study_of(**request.path_params)
    if study is not None:
        imaging: Imaging = request.app.state.imaging
        (rows,) = await asyncio.to_thread(imaging.tables.sources, [study])
        for row in rows:
            if row.image_id == request.path_params["image"]:
                return row
    raise Refused(404, "No such image.")


ROUTES = [Route(ROUTE, refusing(frame)), Route(VALUES_ROUTE, refusing(values))]
