"""A frame's values on the wire: a header in JSON, and the numbers as they lie in memory.

The body is the length of the header as a little-endian uint32, the header padded with spaces to a multiple of 4 bytes, and
`rows` × `columns` little-endian uint16, row by row. All of it is in the body, so that a cached answer and one that was
revalidated are whole.
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
FORMAT = "1"
"""Counted up whenever the same values would be written otherwise: part of the tag."""
FAST = 1
"""gzip's level: values compress to about two thirds at any."""

_CODING = re.compile(r"\s*(?P<name>[\w*-]+)\s*(?:;\s*q=(?P<quality>[01](?:\.\d{0,3})?)\s*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ValuesRequest:
    """Which values are asked for.

    Args:
        longest_side: values of the longer side at most; None for all.
        is_gzip: whether the client takes them compressed.
    """

    longest_side: int | None
    is_gzip: bool

    def etag(self, source: ImageSource) -> str:
        """The tag of the answer, known before it is made."""
        parameters = f"{FORMAT} {self.longest_side} {self.is_gzip}"
        return f'"{digest_of("values", PIXEL_VERSION, source.sha256, str(source.frame), parameters)}"'


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header takes gzip (RFC 9110 section 12.5.3)."""
    codings = [match for part in header.split(",") if (match := _CODING.fullmatch(part))]
    qualities = {match["name"].lower(): float(match["quality"] or 1) for match in codings}
    return qualities.get("gzip", qualities.get("*", 0)) > 0


def values_header(values: FrameValues) -> dict[str, Any]:
    """What a client needs to know to window the values as this service would."""
    return {
        "rows": values.stored.shape[0],
        "columns": values.stored.shape[1],
        "fullRows": values.full_size[0],
        "fullColumns": values.full_size[1],
        "slope": values.slope,
        "intercept": values.intercept,
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
    """The body of an answer."""
    header = json.dumps(values_header(values), separators=(",", ":")).encode()
    header += b" " * (-len(header) % 4)
    body = b"".join((len(header).to_bytes(4, "little"), header, values.stored.astype("<u2", copy=False).tobytes()))
    return gzip.compress(body, FAST, mtime=0) if is_gzip else body
