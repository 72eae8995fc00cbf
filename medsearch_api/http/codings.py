"""Content codings: which one a client accepts, and how a body is compressed (RFC 9110 sections 8.4 and 12.5.3)."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Sequence
from typing import Protocol

import brotli
import zstandard

CODINGS = ("zstd", "br", "gzip")
"""In the order in which they are chosen if a client likes them equally."""
MIN_BYTES = 1024
"""Smaller bodies fit in a packet or two anyway."""

_CODING = re.compile(r"\s*(?P<name>[\w*-]+)\s*(?:;\s*q=(?P<quality>[01](?:\.\d{0,3})?)\s*)?", re.IGNORECASE)


class Compressor(Protocol):
    """Compresses a body in pieces."""

    def compress(self, data: bytes) -> bytes:
        """What is compressed of the body so far, as far as it was not returned before."""

    def flush(self) -> bytes:
        """The rest."""


class _Brotli:
    def __init__(self) -> None:
        self._compressor = brotli.Compressor(quality=4)

    def compress(self, data: bytes) -> bytes:
        piece: bytes = self._compressor.process(data)
        return piece

    def flush(self) -> bytes:
        piece: bytes = self._compressor.finish()
        return piece


def choose_coding(header: str, codings: Sequence[str] = CODINGS) -> str | None:
    """Return the coding that an Accept-Encoding header likes best, among equals the first, or None if it allows none."""
    matches = [match for part in header.split(",") if (match := _CODING.fullmatch(part))]
    qualities = {match["name"].lower(): float(match["quality"] or 1) for match in matches}
    others = qualities.get("*", 0.0)
    best = max(codings, key=lambda coding: qualities.get(coding, others))
    return best if qualities.get(best, others) > 0 else None


def new_compressor(coding: str) -> Compressor:
    """Return a quick compressor, for responses that differ each time."""
    if coding == "zstd":
        return zstandard.ZstdCompressor(level=3).compressobj()
    return _Brotli() if coding == "br" else zlib.compressobj(5, zlib.DEFLATED, 31)


SMALLEST: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda body: zstandard.ZstdCompressor(level=19).compress(body),
    "br": lambda body: brotli.compress(body, quality=11),
    "gzip": lambda body: gzip.compress(body, 9, mtime=0),
}
"""Coding → slow compression, for files that are compressed once."""

QUICK: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda body: zstandard.ZstdCompressor(level=3).compress(body),
    "gzip": lambda body: gzip.compress(body, 1, mtime=0),
}
"""Coding → quick compression, for numbers that are compressed once and cached."""
