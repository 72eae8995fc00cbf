"""The colors of a decoded frame: the codestream's own evidence comes before PhotometricInterpretation."""

from __future__ import annotations

from medsearch_core.dicom.codestreams.header import Format, Header

GRAY, PALETTE = ("MONOCHROME1", "MONOCHROME2"), "PALETTE COLOR"


def decoded_colors(header: Header, components: int, stated: str) -> str:
    """The photometric interpretation of what was decoded.

    Three components of an object in grays are a gray image saved in color: the first of them is shown. A multiple component
    transformation (PS3.5 8.2.4) was undone by the codec, and so was the one that YBR_ICT and YBR_RCT stand for.

    Args:
        components: samples of a pixel that were decoded.
        stated: PhotometricInterpretation.
    """
    if components == 1:
        return stated if stated in (*GRAY, PALETTE) else "MONOCHROME2"
    if stated in GRAY:
        return stated
    if header.colors:
        return header.colors
    is_undone = header.format in (Format.JPEG_2000, Format.HTJ2K) and stated in ("YBR_ICT", "YBR_RCT")
    return "YBR_FULL" if stated.startswith("YBR") and not is_undone else "RGB"
