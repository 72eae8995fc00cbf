"""The wire format of a frame's values: a JSON header followed by the raw numbers.

The body is the header's length as a little-endian uint32, the header padded with spaces to a multiple of 4 bytes, and
`rows` × `columns` little-endian uint16, row by row. Everything is in the body, so that cached and revalidated responses are
complete.
"""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from typing import Any

from medsearch_api.backends.tables import ImageSource
from medsearch_api.http.conditional import PRIVATE
from medsearch_core.dicom.grayscale import Window
from medsearch_core.dicom.values import FrameValues
from medsearch_core.dicom.version import PIXEL_VERSION
from medsearch_core.keys import digest_of

MEDIA_TYPE = "application/octet-stream"
HEADERS = {**PRIVATE, "vary": "accept-encoding"}
FORMAT = "2"
"""Part of the entity tag; incremented whenever the encoding changes."""
FAST = 1
"""gzip level: values compress to about two thirds at any level."""

_CODING = re.compile(r"\s*(?P<name>[\w*-]+)\s*(?:;\s*q=(?P<quality>[01](?:\.\d{0,3})?)\s*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ValuesRequest:
    """A request for values.

    Args:
        longest_side: maximum number of values on the longer side; None for full resolution.
        is_gzip: whether the client accepts gzip.
    """

    longest_side: int | None
    is_gzip: bool

    def etag(self, source: ImageSource) -> str:
        """Return the response's entity tag, computed from its inputs."""
        parameters = f"{FORMAT} {self.longest_side} {self.is_gzip}"
        return f'"{digest_of("values", PIXEL_VERSION, source.sha256, str(source.frame), parameters)}"'


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header allows gzip (RFC 9110 section 12.5.3)."""
    codings = [match for part in header.split(",") if (match := _CODING.fullmatch(part))]
    qualities = {match["name"].lower(): float(match["quality"] or 1) for match in codings}
    return qualities.get("gzip", qualities.get("*", 0)) > 0


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
        "presets": [{"name": preset.name, **_window(preset.window)} for preset in values.presets],
    }


def _window(window: Window) -> dict[str, float]:
    return {"center": window.center, "width": window.width}


def encode_values(values: FrameValues, *, is_gzip: bool) -> bytes:
    """Encode the response body."""
    header = json.dumps(values_header(values), separators=(",", ":")).encode()
    header += b" " * (-len(header) % 4)
    body = b"".join((len(header).to_bytes(4, "little"), header, values.stored.astype("<u2", copy=False).tobytes()))
    return gzip.compress(body, FAST, mtime=0) if is_gzip else body
