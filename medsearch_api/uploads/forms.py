"""Files in forms (multipart/form-data, RFC 7578), kept in memory only.

Belongs here: reading a form within limits, and the limit on concurrent files. Not here: GraphQL's use of forms
(`schema/over_http`).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from cross_web import HTTPException
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

MAX_CONCURRENT_UPLOADS = 4
"""Maximum number of files in memory, each of at most `MEDSEARCH_API_UPLOAD_MAX_BYTES`."""

MAX_FIELDS = 2
"""`operations` and `map`, as in the GraphQL multipart request specification."""

MAX_FIELD_BYTES = 1 << 16
FORM_OVERHEAD_BYTES = MAX_FIELDS * MAX_FIELD_BYTES + (1 << 14)
"""Maximum bytes of a form in addition to its file."""


@dataclass(frozen=True, slots=True, eq=False)
class UploadedFile:
    """A file's bytes and their SHA-256. Its name and declared type are dropped: they may identify a patient."""

    data: bytes = field(repr=False)
    sha256: str


@dataclass(frozen=True, slots=True)
class Form:
    """The fields and files of a form, by name."""

    fields: dict[str, str]
    files: dict[str, UploadedFile]


class _InMemory(MultiPartParser):
    """Starlette's parser, configured to never write files to disk: 0 means no size at which to do so."""

    spool_max_size = 0


async def read_form(request: Request) -> Form:
    """Read a request's body as a form with at most one file and a few small fields.

    Raises:
        HTTPException: 400, the body is not such a form.
    """
    limits = {"max_files": 1, "max_fields": MAX_FIELDS, "max_part_size": MAX_FIELD_BYTES}
    try:
        parsed = await _InMemory(request.headers, request.stream(), **limits).parse()
    except MultiPartException as error:
        raise HTTPException(400, f"Invalid form: {error.message}") from None
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


TOO_MANY_UPLOADS = "Too many uploads are in progress. Try again."


class UploadSlots(Protocol):
    """A fixed number of slots for uploads; requests beyond them are rejected."""

    def acquire(self) -> AbstractAsyncContextManager[None]:
        """Take a slot for the duration of the context.

        Raises:
            HTTPException: 503, no slot is free.
        """


class Slots:
    """Those of this process."""

    def __init__(self, slots: int = MAX_CONCURRENT_UPLOADS) -> None:
        self._free = slots

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[None]:
        if not self._free:
            raise HTTPException(503, TOO_MANY_UPLOADS)
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1
