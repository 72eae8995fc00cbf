"""Files in forms (multipart/form-data, RFC 7578), kept in memory and nowhere else.

Belongs here: reading a form within limits, and how many files are held at once. Not here: GraphQL's use of a form
(`schema/over_http`).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cross_web import HTTPException
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

MAX_CONCURRENT_UPLOADS = 4
"""Files in memory at once, each of at most `MEDSEARCH_API_UPLOAD_MAX_BYTES`."""

MAX_FIELDS = 2
"""`operations` and `map`, as the GraphQL multipart request specification has them."""

MAX_FIELD_BYTES = 1 << 16
FORM_OVERHEAD_BYTES = MAX_FIELDS * MAX_FIELD_BYTES + (1 << 14)
"""Bytes that a form may have beside its file."""


@dataclass(frozen=True, slots=True, eq=False)
class UploadedFile:
    """A file's bytes and their SHA-256. Its name and declared type are forgotten: they may name a patient, and prove little."""

    data: bytes = field(repr=False)
    sha256: str


@dataclass(frozen=True, slots=True)
class Form:
    """The fields and files of a form, by name."""

    fields: dict[str, str]
    files: dict[str, UploadedFile]


class _InMemory(MultiPartParser):
    """Starlette's parser, whose files never roll over to the disk: 0 is no size to roll over at."""

    spool_max_size = 0


async def read_form(request: Request) -> Form:
    """The form that a request's body is: at most one file, as large as the body may be, and few small fields.

    Raises:
        HTTPException: 400, it is no such form, or has more in it.
    """
    limits = {"max_files": 1, "max_fields": MAX_FIELDS, "max_part_size": MAX_FIELD_BYTES}
    try:
        parsed = await _InMemory(request.headers, request.stream(), **limits).parse()
    except MultiPartException as error:
        raise HTTPException(400, f"The form cannot be read: {error.message}") from None
    form = Form({}, {})
    for name, part in parsed.multi_items():
        if isinstance(part, UploadFile):
            data = await part.read()
            await part.close()
            form.files[name] = UploadedFile(data, await asyncio.to_thread(_sha256, data))
        else:
            form.fields[name] = part
    return form


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Slots:
    """So many at once; whoever comes then is refused."""

    def __init__(self, slots: int = MAX_CONCURRENT_UPLOADS) -> None:
        self._free = slots

    @contextmanager
    def acquire(self) -> Iterator[None]:
        """
        Raises:
            HTTPException: 503, all are taken.
        """
        if not self._free:
            raise HTTPException(503, "Too many files are being searched by now. Try again.")
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1
