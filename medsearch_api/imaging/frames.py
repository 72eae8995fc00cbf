"""Frames in full resolution over HTTP: `/images/{patient}/{study}/{image_id}.png?center=&width=&invert=&side=`.

Belongs here: the address and its parameters. Not here: decoding, windowing and caching.
"""

from __future__ import annotations

import asyncio

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from medsearch_api.addresses import study_of
from medsearch_api.conditional import PRIVATE, answer, unsent
from medsearch_api.imaging.parameters import count, flag, number, once
from medsearch_api.imaging.refusals import Refused, refusing
from medsearch_api.imaging.rendering import PNG, Rendering
from medsearch_api.imaging.services import Imaging
from medsearch_core.dicom.grayscale import Window
from medsearch_core.errors import InvalidQuery

MAX_SIDE = 65535
PARAMETERS = ("center", "width", "function", "invert", "side")


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
    image = request.path_params["image"]
    study = study_of(**request.path_params)
    if study is None:
        raise Refused(404, "No such image.")
    rendering = rendering_of(request.query_params)
    imaging: Imaging = request.app.state.imaging
    (rows,) = await asyncio.to_thread(imaging.tables.sources, [study])
    source = next((row for row in rows if row.image_id == image), None)
    if source is None:
        raise Refused(404, "No such image.")
    etag = rendering.etag(source)
    held = unsent(request, etag, PRIVATE)
    if held is not None:
        return held
    return answer(request, await imaging.renderer.picture(source, rendering), PNG, etag, PRIVATE)


ROUTES = [Route("/images/{patient}/{study}/{image}.png", refusing(frame))]
