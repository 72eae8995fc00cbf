"""Content negotiation (RFC 9110 section 12.5.1, PS3.18 section 8.3.3). Answers 406 if no acceptable media type is available."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from medsearch_api.imaging.errors import RequestError

DICOM, JSON, DICOM_JSON, OCTETS = "application/dicom", "application/json", "application/dicom+json", "application/octet-stream"
MULTIPART = "multipart/related"
_RANGE = re.compile(r'[^,;"\s]+(?:\s*;\s*[\w.-]+=(?:"[^"]*"|[^,;"\s]*))*')
_PARAMETER = re.compile(r';\s*([\w.-]+)=(?:"([^"]*)"|([^,;"\s]*))')


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One media range of an Accept header, with lowercase parameter names."""

    media_type: str
    parameters: dict[str, str]
    quality: float

    def covers(self, media_type: str) -> bool:
        """Whether the range includes this media type, taking wildcards into account."""
        return self.media_type in ("*/*", media_type, f"{media_type.split('/')[0]}/*")


def parse_accept(request: Request) -> list[MediaRange]:
    """Return the request's media ranges in order of preference; without an Accept header, `*/*`."""
    ranges = []
    for match in _RANGE.finditer(request.headers.get("accept", "*/*") or "*/*"):
        parameters = {n.lower(): quoted or plain for n, quoted, plain in _PARAMETER.findall(match[0])}
        ranges.append(MediaRange(match[0].split(";")[0].strip().lower(), parameters, _quality(parameters.get("q", "1"))))
    return sorted((range_ for range_ in ranges if range_.quality > 0), key=lambda range_: -range_.quality)


def negotiate(request: Request, *offered: str) -> str:
    """Choose the client's preferred media type among those offered; of equals, the first offered.

    Raises:
        RequestError: 406, the client accepts none of them.
    """
    for range_ in parse_accept(request):
        for media_type in offered:
            if range_.covers(media_type):
                return media_type
    raise RequestError(406, f"Only {' or '.join(offered)} is available for this resource.")


@dataclass(frozen=True, slots=True)
class PartsFormat:
    """The response format: multipart or a single part, and the accepted transfer `syntaxes` (None for any)."""

    is_multipart: bool
    syntaxes: frozenset[str] | None


def negotiate_parts(request: Request, media_type: str, *, may_be_single: bool) -> PartsFormat:
    """Choose how to send parts of this media type.

    Raises:
        RequestError: 406, the client does not accept them.
    """
    matching = [
        r for r in parse_accept(request) if _is_multipart_of(r, media_type) or (may_be_single and r.media_type == media_type)
    ]
    if not matching:
        available = f'multipart/related; type="{media_type}"; transfer-syntax=*'
        raise RequestError(406, f"Only {available} is available for this resource.")
    is_multipart = matching[0].media_type != media_type
    return PartsFormat(is_multipart, _syntaxes([r for r in matching if (r.media_type != media_type) == is_multipart]))


def _is_multipart_of(range_: MediaRange, media_type: str) -> bool:
    inner = range_.parameters.get("type", media_type).lower()
    return range_.covers(MULTIPART) and inner in ("*/*", media_type, f"{media_type.split('/')[0]}/*")


def _syntaxes(ranges: Sequence[MediaRange]) -> frozenset[str] | None:
    named = [r.parameters.get("transfer-syntax", "*") for r in ranges]
    return None if "*" in named else frozenset(named)


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
