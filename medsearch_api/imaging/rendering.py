"""Full-resolution renderings and values of frames, computed from the originals by the core, with a cache."""

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
    """How to render a frame.

    Args:
        window: window to use instead of the object's own.
        is_inverted: whether to invert the grayscale.
        longest_side: maximum length of the longer side in pixels; None for full resolution.
        media_type: `PNG` or `JPEG`.
    """

    window: Window | None = None
    is_inverted: bool = False
    longest_side: int | None = None
    media_type: str = PNG

    def etag(self, source: ImageSource) -> str:
        """Return the rendering's entity tag, computed from its inputs: the object's digest and all parameters."""
        settings = f"{self.window} {self.is_inverted} {self.longest_side} {self.media_type}"
        return f'"{digest_of("frame", PIXEL_VERSION, source.sha256, str(source.frame), settings)}"'


class Renderer:
    """Renders frames in a thread pool."""

    def __init__(self, originals: Originals, settings: Settings) -> None:
        threads = min(MAX_THREADS, available_cpus())
        self.originals = originals
        self.pool = WorkPool(threads, threads * QUEUE_PER_THREAD)
        self.cache = PictureCache(settings.api_picture_cache_bytes)
        self._max_pixels = settings.api_max_pixels

    async def picture(self, source: ImageSource, rendering: Rendering) -> bytes:
        """Return the encoded image. A cached one shows the indexed bytes, even if the landing store has changed since.

        Raises:
            RequestError: the pool is full, or as `Originals.read`; 413, the frame or its rendering has too many pixels.
            BadInput: the frame cannot be decoded or displayed.
            InvalidQuery: windowing or inversion was requested for a color image.
            StorageError: the object cannot be read.
        """
        return await self._cached(rendering.etag(source), self._render_picture, source, rendering)

    async def values(self, source: ImageSource, values_request: ValuesRequest) -> bytes:
        """Return a frame's values, encoded by `encode_values` and cached like renderings.

        Raises:
            RequestError: 406, the frame is in color; otherwise as `picture`.
            BadInput, StorageError: as `picture`.
        """
        return await self._cached(values_request.etag(source), self._render_values, source, values_request)

    def dataset(self, source: ImageSource) -> Dataset:
        """Parse the object and check its pixel data without decoding it. Blocks.

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
            raise RequestError(
                406, "Color images have no values to window. Request the rendered image (.png) instead."
            ) from error

    def _render_picture(self, source: ImageSource, rendering: Rendering) -> bytes:
        ds = self.dataset(source)
        self._check(*picture_size(ds.Rows, ds.Columns, pixel_aspect(ds, source.frame), rendering.longest_side))
        picture = render_frame(ds, source.frame, rendering.longest_side, rendering.window, is_inverted=rendering.is_inverted)
        return encode_png(picture) if rendering.media_type == PNG else _encode_jpeg(picture)

    def _check(self, rows: int, columns: int) -> None:
        if rows * columns > self._max_pixels:
            raise RequestError(413, "The frame exceeds this service's pixel limit; raise MEDSEARCH_API_MAX_PIXELS.")


def _encode_jpeg(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()
