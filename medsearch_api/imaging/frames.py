"""Full-resolution frames over HTTP: `/images/{patient}/{study}/{image_id}.png?center=&width=&invert=&overlays=&side=`.

`….values?side=` returns a frame's modality values instead of an image, for clients that apply the window themselves.

Belongs here: the URLs and their parameters. Not here: decoding, windowing and caching.
"""

from __future__ import annotations

import asyncio

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from medsearch_api.backends.tables import ImageSource
from medsearch_api.http.codings import choose_coding
from medsearch_api.http.conditional import PRIVATE, conditional_response, precondition_response
from medsearch_api.imaging.errors import RequestError, with_error_responses
from medsearch_api.imaging.parameters import parse_count, parse_flag, parse_number, parse_parameters
from medsearch_api.imaging.paths import parse_study_key
from medsearch_api.imaging.pictures import PNG, Rendering
from medsearch_api.imaging.services import Imaging
from medsearch_api.imaging.values import CODINGS, MEDIA_TYPE, ValuesRequest
from medsearch_api.sign_in.viewer import get_viewer
from medsearch_core.dicom.grayscale import Window
from medsearch_core.errors import InvalidQuery

MAX_SIDE = 65535
ROUTE = "/images/{patient}/{study}/{image}.png"
VALUES_ROUTE = "/images/{patient}/{study}/{image}.values"
VALUES_HEADERS = {**PRIVATE, "vary": "accept-encoding"}
PARAMETERS = ("center", "width", "function", "invert", "overlays", "side")


def frame_url(patient: str, study: str, image_id: str) -> str:
    """Return the path of an image's full-resolution rendering, relative to the service's root."""
    return ROUTE.format(patient=patient, study=study, image=image_id)


def parse_rendering(query: QueryParams) -> Rendering:
    """Parse how to render a frame.

    `center` and `width` (in modality values, PS3.3 C.11.2.1.2) must be given together, `function` (LINEAR, LINEAR_EXACT or
    SIGMOID) only with them; `invert` and `overlays` (to draw the overlay planes) are true or false; `side` is the maximum
    length of the longer side in pixels.

    Raises:
        InvalidQuery: a parameter is unknown, repeated or out of range.
    """
    parameters = parse_parameters(query, PARAMETERS)
    if ("center" in parameters) != ("width" in parameters) or ("function" in parameters and "width" not in parameters):
        raise InvalidQuery("center and width must be given together, and function only with them")
    window = None
    if "width" in parameters:
        function = parameters.get("function", "LINEAR").upper()
        window = Window(parse_number("center", parameters["center"]), parse_number("width", parameters["width"]), function)
    return Rendering(
        window=window,
        is_inverted=parse_flag("invert", parameters["invert"]) if "invert" in parameters else False,
        longest_side=parse_count("side", parameters["side"], 1, MAX_SIDE) if "side" in parameters else None,
        has_overlays=parse_flag("overlays", parameters["overlays"]) if "overlays" in parameters else False,
    )


async def frame(request: Request) -> Response:
    """Respond to GET or HEAD of a frame's rendering."""
    rendering = parse_rendering(request.query_params)
    source = await find_source(request)
    etag = rendering.etag(source)
    early = precondition_response(request, etag, PRIVATE)
    if early is not None:
        return early
    imaging: Imaging = request.app.state.imaging
    picture = await imaging.renderer.picture(source, rendering, get_viewer(request.scope).subject)
    return conditional_response(request, picture, PNG, etag, PRIVATE)


async def values(request: Request) -> Response:
    """Respond to GET or HEAD of a frame's values."""
    parameters = parse_parameters(request.query_params, ("side",))
    side = parse_count("side", parameters["side"], 1, MAX_SIDE) if "side" in parameters else None
    values_request = ValuesRequest(side, choose_coding(request.headers.get("accept-encoding", ""), CODINGS))
    source = await find_source(request)
    etag = values_request.etag(source)
    early = precondition_response(request, etag, VALUES_HEADERS)
    if early is not None:
        return early
    imaging: Imaging = request.app.state.imaging
    encoding = {"content-encoding": values_request.coding} if values_request.coding else {}
    body = await imaging.renderer.values(source, values_request, get_viewer(request.scope).subject)
    return conditional_response(request, body, MEDIA_TYPE, etag, VALUES_HEADERS | encoding)


async def find_source(request: Request) -> ImageSource:
    """Find the pixels of the requested image.

    Raises:
        RequestError: 404, there is no such image.
    """
    study = parse_study_key(**request.path_params)
    if study is not None:
        imaging: Imaging = request.app.state.imaging
        (rows,) = await asyncio.to_thread(imaging.tables.sources, [study])
        for row in rows:
            if row.image_id == request.path_params["image"]:
                return row
    raise RequestError(404, "No such image.")


ROUTES = [Route(ROUTE, with_error_responses(frame)), Route(VALUES_ROUTE, with_error_responses(values))]
