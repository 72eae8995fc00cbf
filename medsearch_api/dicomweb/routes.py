"""Routes of the DICOMweb service (PS3.18 Tables 10.1-1 and 10.4.1-1 to 10.4.1-5, 10.6.1-1)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from medsearch_api.dicomweb.attributes import Level
from medsearch_api.dicomweb.retrieve import frames, metadata, originals, rendered
from medsearch_api.dicomweb.search import ROOT, search_handler
from medsearch_api.imaging.errors import Handler, RequestError, with_error_responses

_STUDY = f"{ROOT}/studies/{{study}}"
_SERIES = f"{_STUDY}/series/{{series}}"
_INSTANCE = f"{_SERIES}/instances/{{instance}}"


async def not_offered(request: Request) -> Response:
    """Reject any other DICOMweb resource, so that the client does not conclude that its study is missing."""
    raise RequestError(404, "This DICOMweb resource is not supported; docs/adr/0008-dicomweb.md lists those that are.")


_HANDLERS: list[tuple[str, Handler]] = [
    (f"{ROOT}/studies", search_handler(Level.STUDY)),
    (f"{ROOT}/series", search_handler(Level.SERIES)),
    (f"{ROOT}/instances", search_handler(Level.INSTANCE)),
    (f"{_STUDY}/series", search_handler(Level.SERIES)),
    (f"{_STUDY}/instances", search_handler(Level.INSTANCE)),
    (f"{_SERIES}/instances", search_handler(Level.INSTANCE)),
    (_STUDY, originals),
    (_SERIES, originals),
    (_INSTANCE, originals),
    (f"{_STUDY}/metadata", metadata),
    (f"{_SERIES}/metadata", metadata),
    (f"{_INSTANCE}/metadata", metadata),
    (f"{_INSTANCE}/rendered", rendered),
    (f"{_INSTANCE}/frames/{{frames}}", frames),
    (f"{_INSTANCE}/frames/{{frames}}/rendered", rendered),
    (f"{ROOT}/{{rest:path}}", not_offered),
]

ROUTES = [Route(path, with_error_responses(handler), methods=["GET"]) for path, handler in _HANDLERS]
