"""Pictures and values of frames in full resolution, from the originals, as the core renders them, kept for a while."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset

from medsearch_api.backends.tables import ImageSource
from medsearch_api.imaging.cache import PictureCache
from medsearch_api.imaging.errors import RequestError
from medsearch_api.imaging.originals import Originals
from medsearch_api.imaging.pool import Arguments, WorkPool
from medsearch_api.imaging.values import ValuesRequest, encode_values
from medsearch_api.settings import Settings
from medsearch_core.cpus import available_cpus
from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.decoding import check_pixels
from medsearch_core.dicom.geometry import pixel_aspect
from medsearch_core.dicom.grayscale import Window
from medsearch_core.dicom.pixels import render_frame
from medsearch_core.dicom.resampling import picture_size
from medsearch_core.dicom.thumbnails import encode_png
from medsearch_core.dicom.values import frame_values
from medsearch_core.dicom.version import PIXEL_VERSION
from medsearch_core.errors import InvalidQuery
from medsearch_core.keys import digest_of

PNG, JPEG = "image/png", "image/jpeg"
JPEG_QUALITY = 92
MAX_THREADS = 4
QUEUE_PER_THREAD = 8


@dataclass(frozen=True, slots=True)
class Rendering:
    """How a frame is to be shown.

    Args:
        window: instead of the object's own.
        is_inverted: whether its grays are turned round.
        longest_side: pixels of the longer side at most; None for all.
        media_type: `PNG` or `JPEG`.
    """

    window: Window | None = None
    is_inverted: bool = False
    longest_side: int | None = None
    media_type: str = PNG

    def etag(self, source: ImageSource) -> str:
        """The tag of the picture, known before it is made: the object's digest and all that shapes the picture."""
        settings = f"{self.window} {self.is_inverted} {self.longest_side} {self.media_type}"
        return f'"{digest_of("frame", PIXEL_VERSION, source.sha256, str(source.frame), settings)}"'


class Renderer:
    """Renders frames in a pool of threads."""

    def __init__(self, originals: Originals, settings: Settings) -> None:
        threads = min(MAX_THREADS, available_cpus())
        self.originals = originals
        self.pool = WorkPool(threads, threads * QUEUE_PER_THREAD)
        self.cache = PictureCache(settings.api_picture_cache_bytes)
        self._max_pixels = settings.api_max_pixels

    async def picture(self, source: ImageSource, rendering: Rendering) -> bytes:
        """The encoded picture. One in the cache is that of the indexed bytes, whatever lies in the landing store by now.

        Raises:
            RequestError: the pool is full, or as `Originals.read`; 413, frame or picture has too many pixels.
            BadInput: the frame cannot be decoded or shown.
            InvalidQuery: a colour image was to be windowed or inverted.
            StorageError: the object cannot be read.
        """
        return await self._cached(rendering.etag(source), self._render_picture, source, rendering)

    async def values(self, source: ImageSource, values_request: ValuesRequest) -> bytes:
        """The values of a frame as `encoded` gives them. They are kept as pictures are.

        Raises:
            RequestError: 406, the frame is one of colour; else as `picture`.
            BadInput, StorageError: as `picture`.
        """
        return await self._cached(values_request.etag(source), self._render_values, source, values_request)

    def dataset(self, source: ImageSource) -> Dataset:
        """The parsed object, its pixel data checked and not decoded. Blocks.

        Raises:
            RequestError, BadInput, StorageError: as `picture`.
        """
        self._check(source.rows, source.columns)
        ds = read_dataset(self.originals.read(source))
        check_pixels(ds, max_pixels=self._max_pixels)
        return ds

    async def _cached(
        self, etag: str, make: Callable[Arguments, bytes], *args: Arguments.args, **named: Arguments.kwargs
    ) -> bytes:
        body = self.cache.get(etag)
        if body is None:
            body = await self.pool.run(make, *args, **named)
            self.cache.put(etag, body)
        return body

    def _render_values(self, source: ImageSource, values_request: ValuesRequest) -> bytes:
        ds = self.dataset(source)
        self._check(*picture_size(ds.Rows, ds.Columns, pixel_aspect(ds, source.frame), values_request.longest_side))
        try:
            return encode_values(frame_values(ds, source.frame, values_request.longest_side), is_gzip=values_request.is_gzip)
        except InvalidQuery as error:
            raise RequestError(406, "A colour image has no values: ask for its picture.") from error

    def _render_picture(self, source: ImageSource, rendering: Rendering) -> bytes:
        ds = self.dataset(source)
        self._check(*picture_size(ds.Rows, ds.Columns, pixel_aspect(ds, source.frame), rendering.longest_side))
        picture = render_frame(ds, source.frame, rendering.longest_side, rendering.window, is_inverted=rendering.is_inverted)
        return encode_png(picture) if rendering.media_type == PNG else _encode_jpeg(picture)

    def _check(self, rows: int, columns: int) -> None:
        if rows * columns > self._max_pixels:
            raise RequestError(413, "The frame has more pixels than this service renders (MEDSEARCH_API_MAX_PIXELS).")


def _encode_jpeg(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()
