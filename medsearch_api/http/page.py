"""The page's files, in memory, under URLs that change whenever one of them does.

`/static/{version}/main.js` may be kept forever, and its relative imports lead to files of the same version. `/static/main.js`
is the same file, revalidated each time. So is a file of another version: during an update a page may ask the other release.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from medsearch_api.http.codings import MIN_BYTES, SMALLEST, choose_coding
from medsearch_api.http.conditional import precondition_response
from medsearch_api.http.quick_threads import run_quickly

FOLDER = Path(__file__).parents[1] / "web"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".html": "text/html"}
NO_CACHE = {"cache-control": "no-cache", "vary": "accept-encoding"}
IMMUTABLE = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}
VERSION_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file, and its compressed bytes by coding as soon as somebody has asked for them."""

    body: bytes = field(repr=False)
    media_type: str
    digest: str
    compressed: dict[str, bytes] = field(default_factory=dict, repr=False)

    def compress(self, coding: str) -> bytes:
        """Return the body in a coding."""
        if coding not in self.compressed:
            self.compressed[coding] = SMALLEST[coding](self.body)
        return self.compressed[coding]


@dataclass(frozen=True, slots=True)
class Page:
    """All files of one version; their names are paths below `/static/`."""

    version: str
    index: PageFile
    files: dict[str, PageFile]

    @property
    def prefix(self) -> str:
        """The path below which this version's files may be kept forever."""
        return f"/static/{self.version}"


@cache
def read_page() -> Page:
    """Read the page's styles, scripts and images. Nothing else in the folder is served."""
    files = {
        path.relative_to(FOLDER).as_posix(): _file(path.read_bytes(), path.suffix)
        for path in sorted(FOLDER.rglob("*"))
        if path.suffix in MEDIA_TYPES and path.suffix != ".html"
    }
    index = (FOLDER / "index.html").read_bytes()
    listed = "\n".join([*(f"{name} {file.digest}" for name, file in files.items()), hashlib.sha256(index).hexdigest()])
    version = hashlib.sha256(listed.encode()).hexdigest()[:VERSION_CHARACTERS]
    return Page(version, _file(index.replace(b'"/static/', f'"/static/{version}/'.encode()), ".html"), files)


def _file(body: bytes, suffix: str) -> PageFile:
    return PageFile(body, f"{MEDIA_TYPES[suffix]}; charset=utf-8", hashlib.sha256(body).hexdigest())


async def index(request: Request) -> Response:
    """Return the page itself."""
    return await _response(request, read_page().index, NO_CACHE)


async def static(request: Request) -> Response:
    """Return one of the page's files, of any version that is asked for."""
    page, name = read_page(), request.path_params["name"]
    version, _, rest = name.partition("/")
    is_versioned = len(version) == VERSION_CHARACTERS and all(c in "0123456789abcdef" for c in version)
    file = page.files.get(rest if is_versioned else name)
    if file is None:
        raise HTTPException(404)
    return await _response(request, file, IMMUTABLE if version == page.version else NO_CACHE)


async def _response(request: Request, file: PageFile, headers: dict[str, str]) -> Response:
    coding = choose_coding(request.headers.get("accept-encoding", "")) if len(file.body) >= MIN_BYTES else None
    etag = f'"{file.digest}{f"-{coding}" if coding else ""}"'
    if (early := precondition_response(request, etag, headers)) is not None:
        return early
    encoding = {"content-encoding": coding} if coding else {}
    body = await run_quickly(file.compress, coding) if coding else file.body
    return Response(body, headers={**headers, **encoding, "etag": etag, "content-type": file.media_type})


ROUTES = [Route("/", index), Route("/static/{name:path}", static)]
