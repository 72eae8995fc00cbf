"""The embedder as the service asks it: bytes of a file in, its vector out.

Belongs here: one HTTP request and what may come of it. Not here: how files reach the service, and what is searched by a vector.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Literal

import httpx
import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from medsearch_api.settings import Settings
from medsearch_core.errors import MedsearchError

EMBEDDER_NOT_CONFIGURED = (
    "Nobody can search by a file here: run medsearch embedder, and set MEDSEARCH_API_EMBEDDER_URL to its address."
)


class EmbedderUnavailable(MedsearchError):
    """No vector can be had now. The message says why, and is for the client."""


class EmbedderNotConfigured(EmbedderUnavailable):
    """The settings name no embedder."""

    def __init__(self) -> None:
        super().__init__(EMBEDDER_NOT_CONFIGURED)


class ModelMismatch(MedsearchError):
    """The embedder's model is not that of the index. The message names both, and is for the client."""


class UnusableFile(MedsearchError):
    """The file cannot be embedded. The message says why, and is for the client."""


class FileTooLarge(UnusableFile):
    """The file, or the picture in it, is larger than is allowed."""


class FileEmbedding(BaseModel):
    """What the embedder says of a file. `vector` comes as base64 of little-endian float32; `thumbnail` is base64 of a PNG."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True)

    model_id: str
    model_version: str
    dimensions: int
    vector: list[float]
    format: Literal["DICOM", "PNG", "JPEG"]
    frame: int
    frames: int
    rows: int
    columns: int
    thumbnail: str

    @field_validator("vector", mode="before")
    @classmethod
    def _numbers(cls, value: str, info: ValidationInfo) -> list[float]:
        vector = np.frombuffer(b64decode(value, validate=True), "<f4")
        if len(vector) != info.data.get("dimensions"):
            raise ValueError("a vector of another length")
        numbers: list[float] = vector.tolist()
        return numbers


class EmbedderClient:
    """Asks the embedder at one address.

    Args:
        token: what it is told as bearer token; empty: nothing.
        seconds: how long one file may take.
        max_bytes: the largest file that may be asked for.
    """

    def __init__(self, url: str, token: str, seconds: float, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._url, self._seconds = f"{url.rstrip('/')}/embed", seconds
        self._headers = {"content-type": "application/octet-stream"}
        if token:
            self._headers["authorization"] = f"Bearer {token}"

    async def embed(self, data: bytes) -> FileEmbedding:
        """
        Raises:
            UnusableFile: the embedder cannot use the file.
            FileTooLarge: the file, or its picture, is larger than the embedder takes.
            EmbedderUnavailable: it is down, busy, too slow, or does not let this service in.
        """
        if len(data) > self.max_bytes:
            raise FileTooLarge(f"The file is too large: it has more than {self.max_bytes} bytes.")
        try:
            async with asyncio.timeout(self._seconds), httpx.AsyncClient(timeout=self._seconds, trust_env=False) as http:
                response = await http.post(self._url, content=data, headers=self._headers)
            answer = response.json()
            if response.status_code == 200:
                return FileEmbedding.model_validate(answer)
        except (TimeoutError, httpx.TimeoutException):
            raise EmbedderUnavailable("The embedder took too long over this file. Try again.") from None
        except httpx.HTTPError:
            raise EmbedderUnavailable("The embedder cannot be reached now. Try again.") from None
        except (TypeError, ValueError):
            raise EmbedderUnavailable("The embedder gave no answer that can be read. Try again.") from None
        raise _embedder_error(response.status_code, answer if isinstance(answer, dict) else {})


def open_embedder(settings: Settings) -> EmbedderClient | None:
    """The embedder that the settings name, None if they name none."""
    if not settings.api_embedder_url:
        return None
    token = settings.api_embedder_token.get_secret_value()
    return EmbedderClient(settings.api_embedder_url, token, settings.api_embedder_seconds, settings.api_upload_max_bytes)


def _embedder_error(status: int, answer: Mapping[str, Any]) -> MedsearchError:
    detail = f"{answer.get('detail')} ({answer.get('reason')})"
    if status == 413:
        return FileTooLarge(f"The file is too large: {detail}.")
    if status == 400 and "reason" in answer:
        return UnusableFile(f"The file cannot be used: {detail}.")
    if status == 503:
        return EmbedderUnavailable("The embedder is busy with other files. Try again.")
    if status in (401, 403):
        return EmbedderUnavailable("The embedder does not know this service: MEDSEARCH_API_EMBEDDER_TOKEN must be its token.")
    return EmbedderUnavailable("The embedder failed over this file. Its log says more.")
