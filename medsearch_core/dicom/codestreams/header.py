"""What a codestream says of itself, whatever the object's header says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

END_OF_IMAGE = b"\xff\xd9"
"""EOI of JPEG and JPEG-LS (ISO 10918-1 B.1.1.3), EOC of JPEG 2000 (ISO 15444-1 A.4.4)."""


class Format(StrEnum):
    """The formats that the installed codecs decode."""

    JPEG = "JPEG"
    LOSSLESS_JPEG = "lossless JPEG"
    JPEG_LS = "JPEG-LS"
    JPEG_2000 = "JPEG 2000"
    HTJ2K = "HTJ2K"
    JPEG_XL = "JPEG XL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A codestream's own account of its image.

    Args:
        components: samples of a pixel.
        precision: bits of a sample; 0 if they are not known before decoding.
        is_signed: whether samples are signed, which only JPEG 2000 can say.
        is_lossy: whether the image differs from the one that was compressed.
        colors: RGB or YBR_FULL, what decoding yields, if the codestream tells; else empty.
        halvings: how often the image can be halved by decoding less of it.
        samples_at: where the compressed samples begin; 0 if it is not known.
    """

    format: Format
    rows: int
    columns: int
    components: int
    precision: int
    is_signed: bool = False
    is_lossy: bool = False
    colors: str = ""
    halvings: int = 0
    samples_at: int = 0
