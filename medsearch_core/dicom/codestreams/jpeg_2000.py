"""The main header of JPEG 2000 (ISO 15444-1 annex A) and HTJ2K (ISO 15444-15)."""

from __future__ import annotations

from struct import unpack_from

from medsearch_core.dicom.codestreams.boxes import content_at
from medsearch_core.dicom.codestreams.header import Format, Header

START, FILE_START = b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  "
CAPABILITIES, CODING_STYLE, TILE = 0x50, 0x52, 0x90
PART_15 = 1 << 17
"""Pcap15, the bit of HTJ2K in CAP (ISO 15444-15 A.3)."""
REVERSIBLE = 1


def read_header(data: bytes) -> Header:
    """The main header of a codestream, or of the one in a file."""
    start = content_at(data, b"jp2c") if data.startswith(FILE_START) else 0
    width, height, left, top = unpack_from(">4L", data, start + 8)
    components = unpack_from(">H", data, start + 40)[0]
    depth = data[start + 42]
    samplings = {data[start + 43 + 3 * n : start + 45 + 3 * n] for n in range(components)}
    segments, end = _segments(data, start + 2)
    style = segments.get(CODING_STYLE, bytes(12))
    is_transformed = components > 2 and style[6] == 1
    capabilities = segments.get(CAPABILITIES, b"")
    return Header(
        format=Format.HTJ2K if int.from_bytes(capabilities[2:6], "big") & PART_15 else Format.JPEG_2000,
        rows=height - top,
        columns=width - left,
        components=components,
        precision=(depth & 0x7F) + 1,
        is_signed=depth > 0x7F,
        is_lossy=style[11] != REVERSIBLE,
        colors="RGB" if is_transformed else "YBR_FULL" if len(samplings) > 1 else "",
        halvings=style[7] if start == 0 and left == top == 0 else 0,
        samples_at=end,
    )


def _segments(data: bytes, at: int) -> tuple[dict[int, bytes], int]:
    """Marker → its segment from its length on, up to the first tile, and where that is."""
    found: dict[int, bytes] = {}
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != TILE:
        length = unpack_from(">H", data, at + 2)[0]
        found.setdefault(data[at + 1], data[at + 2 : at + 2 + length])
        at += 2 + length
    return found, at
