"""WADO-RS: original instances, their headers, stored frames and renderings (PS3.18 section 10.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

from pydicom.uid import ExplicitVRLittleEndian
from starlette.requests import Request
from starlette.responses import Response

from medsearch_api.backends.tables import ImageSource
from medsearch_api.dicomweb.json_text import HeaderTask
from medsearch_api.dicomweb.media_types import DICOM, DICOM_JSON, JSON, OCTETS, PartsFormat, negotiate, negotiate_parts
from medsearch_api.dicomweb.search import instance_url, service_root
from medsearch_api.dicomweb.streams import Multipart, Stream
from medsearch_api.dicomweb.uids import distinct_objects, find_images
from medsearch_api.http.conditional import PRIVATE, conditional_response, precondition_response
from medsearch_api.imaging.errors import RequestError
from medsearch_api.imaging.parameters import parse_number, parse_parameters
from medsearch_api.imaging.pictures import JPEG, PNG, Rendering
from medsearch_api.imaging.services import Imaging
from medsearch_api.sign_in.identifiers import may_see_identifiers
from medsearch_api.sign_in.viewer import get_viewer
from medsearch_core.dicom.grayscale import Window
from medsearch_core.errors import InvalidQuery

MAX_FRAMES = 1000


async def originals(request: Request) -> Response:
    """Return the objects of a study, series or instance, byte for byte as they landed.

    They are returned as stored even without a transfer-syntax in Accept; the standard asks for transcoding then (8.7.8.2).
    """
    _no_parameters(request)
    _check_identifiers(request)
    parts_format = negotiate_parts(request, DICOM, may_be_single="instance" in request.path_params)
    objects = distinct_objects(await find_images(request))
    _check_syntaxes(objects, parts_format)
    imaging: Imaging = request.app.state.imaging
    if not parts_format.is_multipart:
        etag = f'"{objects[0].sha256}"'
        early = precondition_response(request, etag, {})  # no caching: an original identifies its patient
        if early is not None:
            return early
        return conditional_response(request, await imaging.renderer.original(objects[0]), _dicom_type(objects[0]), etag, {})
    multipart = Multipart(DICOM)
    if request.method == "HEAD":
        return Response(media_type=multipart.media_type)
    first = await imaging.renderer.original(objects[0])  # before the status is sent, so that its errors can still be reported
    return Stream(multipart.body(_objects(imaging, objects, first, service_root(request))), multipart.media_type)


async def metadata(request: Request) -> Response:
    """Return the headers of a study's, series' or instance's objects as DICOM JSON, without bulk data."""
    _no_parameters(request)
    _check_identifiers(request)
    media_type = negotiate(request, DICOM_JSON, JSON)
    objects = distinct_objects(await find_images(request))
    if request.method == "HEAD":
        return Response(media_type=media_type)
    imaging: Imaging = request.app.state.imaging
    user = get_viewer(request.scope).subject
    first = await imaging.renderer.decoders.answer(HeaderTask(), objects[0], user)
    return Stream(_headers(imaging, objects, first, user), media_type)


async def rendered(request: Request) -> Response:
    """Render a single-frame instance or one frame; `window=center,width,function` overrides the object's own window."""
    media_type = negotiate(request, PNG, JPEG)
    window = _window(parse_parameters(request.query_params, ["window"]))
    images = await find_images(request)
    if "frames" in request.path_params:
        (source,) = _frames(images, request.path_params["frames"], max_frames=1)
    elif images[0].frames == 1:
        source = images[0]
    else:
        raise RequestError(406, "This instance has several frames. Request one of them with /frames/{number}/rendered.")
    rendering = Rendering(window=window, media_type=media_type)
    etag, headers = rendering.etag(source), {**PRIVATE, "vary": "accept"}
    early = precondition_response(request, etag, headers)
    if early is not None:
        return early
    imaging: Imaging = request.app.state.imaging
    picture = await imaging.renderer.picture(source, rendering, get_viewer(request.scope).subject)
    return conditional_response(request, picture, media_type, etag, headers)


async def frames(request: Request) -> Response:
    """Return decoded frames of a monochrome or palette instance, as the header in `metadata` describes their bits."""
    _no_parameters(request)
    parts_format = negotiate_parts(request, OCTETS, may_be_single=False)
    if parts_format.syntaxes is not None and ExplicitVRLittleEndian not in parts_format.syntaxes:
        raise RequestError(
            406, f"Only transfer syntax {ExplicitVRLittleEndian} (Explicit VR Little Endian) is available for frames."
        )
    sources = _frames(await find_images(request), request.path_params["frames"], max_frames=MAX_FRAMES)
    multipart = Multipart(OCTETS)
    if request.method == "HEAD":
        return Response(media_type=multipart.media_type)
    imaging: Imaging = request.app.state.imaging
    user = get_viewer(request.scope).subject
    first = await imaging.renderer.stored_frames(sources, user)
    return Stream(multipart.body(_stored_frames(imaging, sources, first, user)), multipart.media_type)


def _no_parameters(request: Request) -> None:
    if request.query_params:
        raise InvalidQuery("this resource takes no query parameters")


def _check_identifiers(request: Request) -> None:
    if not may_see_identifiers(request):
        raise RequestError(
            403, "Only admins may retrieve originals and their headers, because they contain patient identifiers."
        )


def _check_syntaxes(objects: Sequence[ImageSource], parts_format: PartsFormat) -> None:
    if parts_format.syntaxes is not None and any(source.transfer_syntax_uid not in parts_format.syntaxes for source in objects):
        raise RequestError(406, "Instances are returned in their original transfer syntax; request transfer-syntax=*.")


def _frames(images: Sequence[ImageSource], text: str, max_frames: int) -> list[ImageSource]:
    """Return the images of a frame list such as `1` or `1,3` (PS3.18 10.4.1.1.6)."""
    numbers = text.split(",")
    if len(numbers) > max_frames or not all(n.isascii() and n.isdecimal() and len(n) < 10 for n in numbers):
        raise InvalidQuery(f"frames must be at most {max_frames} frame numbers, counted from 1")
    by_number = {image.frame: image for image in images}
    if not all(int(n) in by_number for n in numbers):
        raise RequestError(404, "The instance has no such frame.")
    return [by_number[int(n)] for n in numbers]


def _window(parameters: Mapping[str, str]) -> Window | None:
    """Parse `center,width,function` (PS3.18 8.3.5.1.4)."""
    if "window" not in parameters:
        return None
    values = parameters["window"].split(",")
    if len(values) != 3:
        raise InvalidQuery("window must be center,width,function")
    function = values[2].upper().replace("-", "_")
    return Window(parse_number("center", values[0]), parse_number("width", values[1]), function)


def _dicom_type(source: ImageSource) -> str:
    return f"{DICOM}; transfer-syntax={source.transfer_syntax_uid}" if source.transfer_syntax_uid else DICOM


async def _objects(
    imaging: Imaging, objects: Sequence[ImageSource], data: bytes, root: str
) -> AsyncIterator[tuple[Mapping[str, str], bytes]]:
    for at, source in enumerate(objects):
        if at:
            data = b""
            data = await imaging.renderer.original(source)
        url = instance_url(root, source.study_instance_uid, source.series_instance_uid, source.sop_instance_uid)
        yield {"Content-Type": _dicom_type(source), "Content-Location": url}, data


async def _headers(imaging: Imaging, objects: Sequence[ImageSource], first: bytes, user: str) -> AsyncIterator[bytes]:
    yield b"[" + first
    for source in objects[1:]:
        yield b"," + await imaging.renderer.decoders.answer(HeaderTask(), source, user)
    yield b"]"


async def _stored_frames(
    imaging: Imaging, sources: Sequence[ImageSource], some: Iterator[memoryview], user: str
) -> AsyncIterator[tuple[Mapping[str, str], memoryview]]:
    """The frames' values. A process decodes a batch of them, and none waits while they are sent."""
    sent = 0
    while True:
        for data in some:
            yield {"Content-Type": f"{OCTETS}; transfer-syntax={ExplicitVRLittleEndian}"}, data
            sent += 1
        if sent == len(sources):
            return
        some = await imaging.renderer.stored_frames(sources[sent:], user)
