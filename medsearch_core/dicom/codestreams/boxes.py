"""The boxes of an image file around a codestream (ISO 15444-1 annex I, ISO 18181-2)."""

from __future__ import annotations


def content_at(data: bytes, *kinds: bytes) -> int:
    """Where the content of the first box of one of these kinds starts.

    Raises:
        ValueError: there is none, or a box before it is shorter than its own head, on which some codecs loop forever.
    """
    at = 12
    while at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind in kinds:
            return at + 8
        if length < 8:
            break
        at += length
    raise ValueError("an image file without a codestream")
