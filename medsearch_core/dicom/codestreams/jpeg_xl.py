"""The size in the header of JPEG XL (ISO 18181-1 annex D). Its depth is left to the codec."""

from __future__ import annotations

from medsearch_core.dicom.codestreams.boxes import content_at
from medsearch_core.dicom.codestreams.header import Format, Header

START, FILE_START = b"\xff\x0a", b"\x00\x00\x00\x0cJXL "
SIDE_BITS = (9, 13, 18, 30)
RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


class _Bits:
    """Reads bits from the lowest on (ISO 18181-1 section 5)."""

    def __init__(self, data: bytes) -> None:
        self._left = int.from_bytes(data, "little")

    def read(self, count: int) -> int:
        found = self._left & (1 << count) - 1
        self._left >>= count
        return found


def read_header(data: bytes) -> Header:
    """The size of a codestream, or of the one in a file. Decoding yields gray or RGB."""
    start = _codestream(data) if data.startswith(FILE_START) else 0
    bits = _Bits(data[start + 2 : start + 16])
    is_small = bits.read(1) == 1
    rows = _side(bits, is_small)
    ratio = bits.read(3)
    columns = rows * RATIOS[ratio - 1][0] // RATIOS[ratio - 1][1] if ratio else _side(bits, is_small)
    return Header(format=Format.JPEG_XL, rows=rows, columns=columns, components=0, precision=0, colors="RGB")


def _codestream(data: bytes) -> int:
    start = content_at(data, b"jxlc", b"jxlp")
    return start + 4 * (data[start - 4 : start] == b"jxlp")


def _side(bits: _Bits, is_small: bool) -> int:
    return 8 * (1 + bits.read(5)) if is_small else 1 + bits.read(SIDE_BITS[bits.read(2)])
