"""The headers of JPEG (ISO 10918-1 annex B), lossless JPEG and JPEG-LS (ISO 14495-1 annex C)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from struct import unpack_from

from medsearch_core.dicom.codestreams.header import Format, Header

START = b"\xff\xd8\xff"
LOSSLESS, JPEG_LS = (0xC3, 0xCB), 0xF7
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {JPEG_LS}
"""The SOF markers, less DHT, JPG and DAC (ISO 10918-1 table B.1), and SOF55 of JPEG-LS."""
SCAN, APP0, APP14 = 0xDA, 0xE0, 0xEE
WITHOUT_LENGTH = frozenset((0x00, 0x01, *range(0xD0, 0xD9)))
RGB_IDS = (b"RGB", b"rgb")


def read_header(data: bytes) -> Header | None:
    """The header of the first image; None if none of its segments describes one."""
    frame, start = 0, 0
    markers: dict[int, bytes] = {}
    for marker, at in _segments(data):
        if marker in FRAMES and not frame:
            frame, start = marker, at
        elif marker in (APP0, APP14):
            markers.setdefault(marker, data[at : at + 12])
        elif marker == SCAN and frame:
            return replace(_header(data, frame, start, markers, near=data[at + 1 + 2 * data[at]]), samples_at=at)
    return _header(data, frame, start, markers) if frame else None


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Each marker with the offset of its content, up to the first scan; bytes between segments are skipped."""
    at = 2
    while at + 4 <= len(data):
        marker = data[at + 1]
        if data[at] != 0xFF or marker == 0xFF:
            at += 1
        elif marker in WITHOUT_LENGTH:
            at += 2
        else:
            yield marker, at + 4
            if marker == SCAN:
                return
            at += 2 + unpack_from(">H", data, at + 2)[0]


def _header(data: bytes, frame: int, at: int, markers: dict[int, bytes], near: int = 0) -> Header:
    precision, rows, columns, count = unpack_from(">BHHB", data, at)
    components = [data[n : n + 2] for n in range(at + 6, at + 6 + 3 * count, 3)]
    lossless = Format.JPEG_LS if frame == JPEG_LS else Format.LOSSLESS_JPEG if frame in LOSSLESS else None
    return Header(
        format=lossless or Format.JPEG,
        rows=rows,
        columns=columns,
        components=count,
        precision=precision,
        is_lossy=lossless is None or (lossless is Format.JPEG_LS and near > 0),
        colors=_colors(components, markers) if count == 3 else "",
    )


def _colors(components: list[bytes], markers: dict[int, bytes]) -> str:
    """The colors of three components, by the strongest evidence.

    Components of fewer samples than the first are chrominance; else Adobe's marker says what was transformed, else the
    components' ids may spell RGB, else a JFIF marker means YCbCr (ITU-T T.871 section 7).
    """
    adobe = markers.get(APP14, b"")
    if len({sampling for _, sampling in components}) > 1:
        return "YBR_FULL"
    if adobe.startswith(b"Adobe") and len(adobe) == 12:
        return "YBR_FULL" if adobe[11] == 1 else "RGB"
    if bytes(name for name, _ in components) in RGB_IDS:
        return "RGB"
    return "YBR_FULL" if markers.get(APP0, b"").startswith(b"JFIF") else ""
