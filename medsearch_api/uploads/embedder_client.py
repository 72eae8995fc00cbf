"""The client of the embedder: sends a file's bytes, returns its vector.

Belongs here: the HTTP request and its possible outcomes. Not here: how files reach the service, or searching by a vector.
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
    "Search by file is not available on this server. To enable it, run `medsearch embedder` and set MEDSEARCH_API_EMBEDDER_URL."
)


class EmbedderUnavailable(MedsearchError):
    """The file cannot be embedded now. The message says why, and is shown to the client."""


class EmbedderNotConfigured(EmbedderUnavailable):
    """No embedder is configured."""

    def __init__(self) -> None:
        super().__init__(EMBEDDER_NOT_CONFIGURED)


class ModelMismatch(MedsearchError):
    """The embedder's model differs from the index's. The message names both, and is shown to the client."""


class UnusableFile(MedsearchError):
    """The file cannot be embedded. The message says why, and is shown to the client."""


class FileTooLarge(UnusableFile):
    """The file or its image exceeds a size limit."""


class FileEmbedding(BaseModel):
    """The embedder's result. `vector` is transferred as base64 of little-endian float32; `thumbnail` is base64 of a PNG."""

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
            raise ValueError("the vector's length is not `dimensions`")
        numbers: list[float] = vector.tolist()
        return numbers


class EmbedderClient:
    """Sends files to one embedder.

    Args:
        token: bearer token to send; empty for none.
        seconds: time limit per file.
        max_bytes: maximum file size.
    """

    def __init__(self, url: str, token: str, seconds: float, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._url, self._seconds = f"{url.rstrip('/')}/embed", seconds
        self._headers = {"content-type": "application/octet-stream"}
        if token:
            self._headers["authorization"] = f"Bearer {token}"

    async def embed(self, data: bytes) -> FileEmbedding:
        """Embed a file.

        Raises:
            UnusableFile: the embedder cannot use the file.
            FileTooLarge: the file or its image exceeds a size limit.
            EmbedderUnavailable: the embedder is down, busy, too slow, or rejects this service's token.
        """
        if len(data) > self.max_bytes:
            raise FileTooLarge(f"The file is too large. The limit is {self.max_bytes} bytes.")
        try:
            async with asyncio.timeout(self._seconds), httpx.AsyncClient(timeout=self._seconds, trust_env=False) as http:
                response = await http.post(self._url, content=data, headers=self._headers)
            answer = response.json()
            if response.status_code == 200:
                return FileEmbedding.model_validate(answer)
        except (TimeoutError, httpx.TimeoutException):
            raise EmbedderUnavailable("Embedding this file took too long. Try again.") from None
        except httpx.HTTPError:
            raise EmbedderUnavailable("The embedder is unreachable. Try again.") from None
        except (TypeError, ValueError):
            raise EmbedderUnavailable("The embedder returned an invalid response. Try again.") from None
        raise _embedder_error(response.status_code, answer if isinstance(answer, dict) else {})


def open_embedder(settings: Settings) -> EmbedderClient | None:
    """Create a client of the configured embedder; None if there is none."""
    if not settings.api_embedder_url:
        return None
    token = settings.api_embedder_token.get_secret_value()
    return EmbedderClient(settings.api_embedder_url, token, settings.api_embedder_seconds, settings.api_upload_max_bytes)


def _embedder_error(status: int, answer: Mapping[str, Any]) -> MedsearchError:
    detail = f"{answer.get('detail')} ({answer.get('reason')})"
    if status == 413:
        return FileTooLarge(f"The file is too large: {detail}. Choose a smaller one.")
    if status == 400 and "reason" in answer:
        return UnusableFile(f"This file cannot be used: {detail}. Choose another one.")
    if status == 503:
        return EmbedderUnavailable("The embedder is busy. Try again.")
    if status in (401, 403):
        return EmbedderUnavailable(
            "The embedder rejected this service's token; set MEDSEARCH_API_EMBEDDER_TOKEN to its MEDSEARCH_EMBEDDER_TOKEN."
        )
    return EmbedderUnavailable("The embedder failed to process this file. See its log for details.")
