"""Full-resolution renderings and values of frames, computed from the originals in processes of their own, with a cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from medsearch_api.backends.tables import ImageSource
from medsearch_api.imaging.cache import PictureCache
from medsearch_api.imaging.decoders import MAX_SPARES, Decoders
from medsearch_api.imaging.decoding import Task
from medsearch_api.imaging.errors import TOO_MANY_PIXELS, RequestError
from medsearch_api.imaging.originals import Originals
from medsearch_api.imaging.pictures import PictureTask, Rendering
from medsearch_api.imaging.pool import WorkPool
from medsearch_api.imaging.stored_frames import StoredFramesTask, split_frames
from medsearch_api.imaging.turns import TurnTaker
from medsearch_api.imaging.values import ValuesRequest, ValuesTask
from medsearch_api.settings import Settings
from medsearch_core.errors import InvalidQuery
from medsearch_core.machine.cpus import available_cpus

MAX_READERS = 4
QUEUE_PER_READER = 8
NO_VALUES = "Color images have no values to window. Request the rendered image (.png) instead."
NO_STORED = (
    "Frames in color, of 1 bit, or with more bits than their header says are available only as rendered images or within the "
    "original instance."
)


class Renderer:
    """What is decoded on request, and originals as they are.

    Args:
        originals: where the objects come from.
        settings: limits.
        turns: to decode; None for turns of this process alone.
        workers: processes that share what the settings allow.
    """

    def __init__(self, originals: Originals, settings: Settings, turns: TurnTaker | None = None, workers: int = 1) -> None:
        readers = max(1, min(MAX_READERS, available_cpus()) // workers)
        self.originals = originals
        self.readers = WorkPool(readers, readers * QUEUE_PER_READER)
        self.decoders = Decoders(originals, settings, turns, max(1, MAX_SPARES // workers))
        self.cache = PictureCache(settings.api_picture_cache_bytes // workers)
        self._max_pixels = settings.api_max_pixels

    async def original(self, source: ImageSource) -> bytes:
        """Return an object byte for byte.

        Raises:
            RequestError: too many are being read, or as `Originals.read`.
            StorageError: the object cannot be read.
        """
        return await self.readers.run(self.originals.read, source)

    async def picture(self, source: ImageSource, rendering: Rendering, user: str) -> bytes:
        """Return the encoded image. A cached one shows the indexed bytes, even if the landing store has changed since.

        Args:
            user: on whose behalf it is decoded.

        Raises:
            RequestError: 413, the frame or its rendering has too many pixels; otherwise as `Decoders.answer`.
            BadInput: the frame cannot be decoded or displayed.
            InvalidQuery: windowing or inversion was requested for a color image.
            StorageError: the object cannot be read.
        """
        return await self._cached(rendering.etag(source), PictureTask(source.frame, rendering, self._max_pixels), source, user)

    async def values(self, source: ImageSource, values_request: ValuesRequest, user: str) -> bytes:
        """Return a frame's values, encoded by `encode_values` and cached like renderings.

        Raises:
            RequestError: 406, the frame is in color; otherwise as `picture`.
            BadInput, StorageError: as `picture`.
        """
        task = ValuesTask(source.frame, values_request, self._max_pixels)
        try:
            return await self._cached(values_request.etag(source), task, source, user)
        except InvalidQuery:
            raise RequestError(406, NO_VALUES) from None

    async def stored_frames(self, sources: Sequence[ImageSource], user: str) -> Iterator[memoryview]:
        """Return the stored values of the first of these frames of one object: as many as a process decodes at once.

        Raises:
            RequestError: 406, the frames have no such values (`native_bytes`); otherwise as `picture`.
            BadInput, StorageError: as `picture`.
        """
        task = StoredFramesTask(tuple(source.frame for source in sources), self._max_pixels)
        try:
            return split_frames(await self._decoded(task, sources[0], user))
        except InvalidQuery:
            raise RequestError(406, NO_STORED) from None

    async def _cached(self, etag: str, task: Task, source: ImageSource, user: str) -> bytes:
        body = self.cache.get(etag)
        if body is None:
            body = await self._decoded(task, source, user)
            self.cache.put(etag, body)
        return body

    async def _decoded(self, task: Task, source: ImageSource, user: str) -> bytes:
        if source.rows * source.columns > self._max_pixels:
            raise RequestError(413, TOO_MANY_PIXELS)
        return await self.decoders.answer(task, source, user)
