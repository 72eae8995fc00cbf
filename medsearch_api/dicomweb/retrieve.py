"""WADO-RS: originals as they landed, their headers, stored frames and rendered pictures (PS3.18 section 10.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from starlette.requests import Request
from starlette.responses import Response

from medsearch_api.backends.tables import ImageSource
from medsearch_api.dicomweb.json_text import header_json
from medsearch_api.dicomweb.media_types import DICOM, DICOM_JSON, JSON, OCTETS, Parts, parts, single
from medsearch_api.dicomweb.search import instance_url, root_of
from medsearch_api.dicomweb.streams import Multipart, Stream
from medsearch_api.dicomweb.uids import images_of, objects_of
from medsearch_api.http.conditional import PRIVATE, answer, unsent
from medsearch_api.imaging.parameters import number, once
from medsearch_api.imaging.refusals import Refused
from medsearch_api.imaging.rendering import JPEG, PNG, Rendering
from medsearch_api.imaging.services import Imaging
from medsearch_api.sign_in.identifiers import may_see_identifiers
from medsearch_core.dicom.decoding import decode_frame
from medsearch_core.dicom.grayscale import Window
from medsearch_core.errors import InvalidQuery

MAX_FRAMES = 1000


async def originals(request: Request) -> Response:
    """The objects of a study, a series or an instance, byte for byte as they landed.

    Without a transfer-syntax in Accept they come as stored too, where the standard would have them transcoded (8.7.3.5.2).
    """
    _no_parameters(request)
    _check_identifiers(request)
    wanted = parts(request, DICOM, may_be_single="instance" in request.path_params)
    found = objects_of(await images_of(request))
    _check_syntaxes(found, wanted)
    imaging: Imaging = request.app.state.imaging
    if not wanted.is_multipart:
        etag = f'"{found[0].sha256}"'
        held = unsent(request, etag, {})  # no leave to keep it: an original names its patient
        if held is not None:
            return held
        return answer(request, await _read(imaging, found[0]), _dicom_type(found[0]), etag, {})
    multipart = Multipart(DICOM)
    if request.method == "HEAD":
        return Response(media_type=multipart.media_type)
    first = await _read(imaging, found[0])  # before the status is sent, so that its faults can still be told
    return Stream(multipart.body(_objects(imaging, found, first, root_of(request))), multipart.media_type)


async def metadata(request: Request) -> Response:
    """The headers of a study's, a series' or an instance's objects as DICOM JSON, without bulk data."""
    _no_parameters(request)
    _check_identifiers(request)
    media_type = single(request, DICOM_JSON, JSON)
    found = objects_of(await images_of(request))
    if request.method == "HEAD":
        return Response(media_type=media_type)
    imaging: Imaging = request.app.state.imaging
    first = await _header(imaging, found[0])
    return Stream(_headers(imaging, found, first), media_type)


async def rendered(request: Request) -> Response:
    """The picture of an instance of one frame, or of one frame; `window=center,width,function` instead of its own."""
    media_type = single(request, PNG, JPEG)
    window = _window(once(request.query_params, ["window"]))
    images = await images_of(request)
    if "frames" in request.path_params:
        (source,) = _frames(images, request.path_params["frames"], most=1)
    elif images[0].frames == 1:
        source = images[0]
    else:
        raise Refused(406, "This instance has several frames, which are rendered one by one: add /frames/{number}/rendered.")
    rendering = Rendering(window=window, media_type=media_type)
    etag, headers = rendering.etag(source), {**PRIVATE, "vary": "accept"}
    held = unsent(request, etag, headers)
    if held is not None:
        return held
    imaging: Imaging = request.app.state.imaging
    return answer(request, await imaging.renderer.picture(source, rendering), media_type, etag, headers)


async def frames(request: Request) -> Response:
    """Frames of a monochrome or palette instance as decoded: stored values, little endian, of BitsAllocated bits each."""
    _no_parameters(request)
    wanted = parts(request, OCTETS, may_be_single=False)
    if wanted.syntaxes is not None and ExplicitVRLittleEndian not in wanted.syntaxes:
        raise Refused(406, f"Frames are given in {ExplicitVRLittleEndian} (Explicit VR Little Endian) only.")
    chosen = _frames(await images_of(request), request.path_params["frames"], most=MAX_FRAMES)
    multipart = Multipart(OCTETS)
    if request.method == "HEAD":
        return Response(media_type=multipart.media_type)
    imaging: Imaging = request.app.state.imaging
    ds = await imaging.renderer.pool.run(imaging.renderer.dataset, chosen[0])
    if ds.SamplesPerPixel != 1 or ds.BitsAllocated not in (8, 16, 32, 64):
        raise Refused(406, "Frames in colour or of one bit are given rendered, or within their original.")
    first = await imaging.renderer.pool.run(_stored, ds, chosen[0].frame)
    return Stream(multipart.body(_stored_frames(imaging, ds, chosen, first)), multipart.media_type)


def _no_parameters(request: Request) -> None:
    if request.query_params:
        raise InvalidQuery("parameters are not supported here")


def _check_identifiers(request: Request) -> None:
    if not may_see_identifiers(request):
        raise Refused(403, "Originals and their headers hold patient identifiers, which you may not see.")


def _check_syntaxes(found: Sequence[ImageSource], wanted: Parts) -> None:
    if wanted.syntaxes is not None and any(source.transfer_syntax_uid not in wanted.syntaxes for source in found):
        raise Refused(406, "Objects are given in the transfer syntax they landed in: accept transfer-syntax=*.")


def _frames(images: Sequence[ImageSource], text: str, most: int) -> list[ImageSource]:
    """The images of frame numbers, as in `1` or `1,3` (PS3.18 10.4.1.1.6)."""
    numbers = text.split(",")
    if len(numbers) > most or not all(n.isascii() and n.isdecimal() and len(n) < 10 for n in numbers):
        raise InvalidQuery(f"frames are numbers from 1, at most {most} of them")
    by_number = {image.frame: image for image in images}
    if not all(int(n) in by_number for n in numbers):
        raise Refused(404, "There is no such frame.")
    return [by_number[int(n)] for n in numbers]


def _window(given: Mapping[str, str]) -> Window | None:
    """`center,width,function` (PS3.18 8.3.5.1.4)."""
    if "window" not in given:
        return None
    values = given["window"].split(",")
    if len(values) != 3:
        raise InvalidQuery("window must be center,width,function")
    function = values[2].upper().replace("-", "_")
    return Window(number("center", values[0]), number("width", values[1]), function)


def _dicom_type(source: ImageSource) -> str:
    return f"{DICOM}; transfer-syntax={source.transfer_syntax_uid}" if source.transfer_syntax_uid else DICOM


async def _read(imaging: Imaging, source: ImageSource) -> bytes:
    return await imaging.renderer.pool.run(imaging.renderer.originals.read, source)


async def _header(imaging: Imaging, source: ImageSource) -> bytes:
    return await imaging.renderer.pool.run(lambda: header_json(imaging.renderer.originals.read(source)))


async def _objects(
    imaging: Imaging, found: Sequence[ImageSource], data: bytes, root: str
) -> AsyncIterator[tuple[Mapping[str, str], bytes]]:
    for at, source in enumerate(found):
        if at:
            data = b""
            data = await _read(imaging, source)
        place = instance_url(root, source.study_instance_uid, source.series_instance_uid, source.sop_instance_uid)
        yield {"Content-Type": _dicom_type(source), "Content-Location": place}, data


async def _headers(imaging: Imaging, found: Sequence[ImageSource], first: bytes) -> AsyncIterator[bytes]:
    yield b"[" + first
    for source in found[1:]:
        yield b"," + await _header(imaging, source)
    yield b"]"


async def _stored_frames(
    imaging: Imaging, ds: Dataset, chosen: Sequence[ImageSource], data: bytes
) -> AsyncIterator[tuple[Mapping[str, str], bytes]]:
    for at, source in enumerate(chosen):
        if at:
            data = await imaging.renderer.pool.run(_stored, ds, source.frame)
        yield {"Content-Type": f"{OCTETS}; transfer-syntax={ExplicitVRLittleEndian}"}, data


def _stored(ds: Dataset, frame: int) -> bytes:
    array = decode_frame(ds, frame)
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
