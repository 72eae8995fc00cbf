"""A frame's values: how they can be asked for, how a worker makes them, and their wire format.

The format is a JSON header followed by the raw numbers.

The body is the header's length as a little-endian uint32, the header padded with spaces to a multiple of 4 bytes, and
`rows` × `columns` little-endian uint16, row by row. Everything is in the body, so that cached and revalidated responses are
complete.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from medsearch_api.http.codings import QUICK
from medsearch_api.imaging.decoding import ObjectSize, read_displayable
from medsearch_api.imaging.pictures import FIXED_BYTES, check_picture, shown_bytes, shown_pixels
from medsearch_core.dicom.grayscale import Window
from medsearch_core.dicom.values import FrameValues, frame_values
from medsearch_core.dicom.version import PIXEL_VERSION
from medsearch_core.keys import digest_of

if TYPE_CHECKING:
    from medsearch_api.backends.tables import ImageSource

MEDIA_TYPE = "application/octet-stream"
BYTES_PER_VALUE = 4
"""Memory that a value takes beyond what a picture's pixel does, with its copies while it is compressed."""
FORMAT = "3"
"""Part of the entity tag; incremented whenever the encoding changes."""
CODINGS = ("zstd", "gzip")
"""Values compress to about 0.7 by either; zstd takes 0.4 of the time."""


@dataclass(frozen=True, slots=True)
class ValuesRequest:
    """A request for values.

    Args:
        longest_side: maximum number of values on the longer side; None for full resolution.
        coding: one of `CODINGS`, or None for a body that is not compressed.
    """

    longest_side: int | None
    coding: str | None

    def etag(self, source: ImageSource) -> str:
        """Return the response's entity tag, computed from its inputs."""
        parameters = f"{FORMAT} {self.longest_side} {self.coding}"
        return f'"{digest_of("values", PIXEL_VERSION, source.sha256, str(source.frame), parameters)}"'


@dataclass(frozen=True, slots=True)
class ValuesTask:
    """A frame (1-based) whose values are wanted, with the limit of pixels of the frame and of values."""

    frame: int
    request: ValuesRequest
    max_pixels: int

    def needed_bytes(self, size: ObjectSize) -> int:
        """As `Task`."""
        side = self.request.longest_side
        return FIXED_BYTES + shown_bytes(size, side) + BYTES_PER_VALUE * shown_pixels(size, side)

    def answer(self, file: BinaryIO) -> bytes:
        """As `Task`: the encoded values."""
        ds, side = read_displayable(file, self.max_pixels), self.request.longest_side
        check_picture(ds, self.frame, side, self.max_pixels)
        return encode_values(frame_values(ds, self.frame, side), self.request.coding)


def values_header(values: FrameValues) -> dict[str, Any]:
    """Return what a client needs in order to window the values as this service does."""
    return {
        "rows": values.stored.shape[0],
        "columns": values.stored.shape[1],
        "fullRows": values.full_size[0],
        "fullColumns": values.full_size[1],
        "slope": values.slope,
        "intercept": values.intercept,
        "unit": values.unit,
        "lowIsBright": values.is_low_bright,
        "isWindowed": values.is_windowed,
        "function": values.window.function,
        "window": _window(values.window),
        "percentiles": _window(values.percentiles),
        "fullRange": _window(values.full_range),
        "realWorld": [asdict(mapping) for mapping in values.real_world],
        "presets": [{"name": preset.name, **_window(preset.window)} for preset in values.presets],
    }


def _window(window: Window) -> dict[str, float]:
    return {"center": window.center, "width": window.width}


def encode_values(values: FrameValues, coding: str | None) -> bytes:
    """Encode the response body."""
    header = json.dumps(values_header(values), separators=(",", ":")).encode()
    header += b" " * (-len(header) % 4)
    body = b"".join((len(header).to_bytes(4, "little"), header, values.stored.astype("<u2", copy=False).tobytes()))
    return QUICK[coding](body) if coding else body
