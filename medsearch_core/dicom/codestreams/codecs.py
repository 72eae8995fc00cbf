"""A decoding plugin for pydicom: the codecs that are fastest for an original-size radiograph (docs/embedding-benchmarks.md).

From imagecodecs: libjpeg-turbo for JPEG of any depth and lossless JPEG, CharLS for JPEG-LS, OpenJPH for HTJ2K, libjxl for JPEG
XL. From Pillow: OpenJPEG for JPEG 2000 at reduced resolution. All raise on a codestream that they cannot read.
"""

from __future__ import annotations

import io

import numpy as np
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from pydicom.pixels import get_decoder
from pydicom.pixels.decoders.base import DecodeRunner
from pydicom.uid import (
    HTJ2K,
    UID,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from medsearch_core.dicom.codestreams.header import END_OF_IMAGE, Format, Header

NAME, REDUCED, FULL_JPEG_2000, RUN_LENGTHS = "imagecodecs", "reduced", "pylibjpeg", "pylibjpeg"
SYNTAXES = {
    Format.JPEG: JPEGBaseline8Bit,
    Format.LOSSLESS_JPEG: JPEGLosslessSV1,
    Format.JPEG_LS: JPEGLSLossless,
    Format.JPEG_2000: JPEG2000Lossless,
    Format.HTJ2K: HTJ2K,
}
"""Format → the transfer syntax whose decoder in pydicom decodes all of the format."""
DECODERS: dict[UID, str] = {
    JPEGBaseline8Bit: NAME,
    JPEGLosslessSV1: NAME,
    JPEGLSLossless: NAME,
    JPEG2000Lossless: FULL_JPEG_2000,
    HTJ2K: NAME,
    RLELossless: RUN_LENGTHS,
}
"""The syntaxes above and RLE → their only decoder, so that a result does not depend on which decoder failed first."""
COLORS = "rgb"
"""The color space of both input and output of a three-sample JPEG, so that no sample is converted."""

try:
    import imagecodecs
except ImportError:  # the service runs without, until a frame needs it
    HAS_CODECS = False
else:
    HAS_CODECS = True

DECODER_DEPENDENCIES = dict.fromkeys(SYNTAXES.values(), ("imagecodecs",))


def is_available(uid: str) -> bool:
    """Whether frames of a transfer syntax can be decoded here."""
    return uid == JPEG2000Lossless or (uid in DECODER_DEPENDENCIES and HAS_CODECS)


def decode(src: bytes, runner: DecodeRunner) -> bytes:
    """One frame at full resolution, samples interleaved by pixel.

    Raises:
        RuntimeError: the codec cannot read it.
    """
    if runner.transfer_syntax == HTJ2K:
        samples = imagecodecs.htj2k_decode(src, planar=False)
    elif runner.transfer_syntax == JPEGLSLossless:
        samples = imagecodecs.jpegls_decode(src)
    else:
        colors = COLORS if runner.samples_per_pixel > 1 else None
        samples = imagecodecs.jpeg8_decode(src, colorspace=colors, outcolorspace=colors)
    return _stored(samples, runner)


def decode_jpeg_xl(src: bytes) -> np.ndarray:
    """One frame of JPEG XL, for which pydicom has no decoder, without an alpha channel."""
    samples = imagecodecs.jpegxl_decode(src)
    if samples.ndim == 2:
        return samples
    return samples[..., 0] if samples.shape[-1] < 3 else samples[..., :3]


def decode_reduced(src: bytes, runner: DecodeRunner) -> bytes:
    """One gray JPEG 2000 frame, halved repeatedly to the resolution that the runner's `rows` requests.

    Decodes the low-pass subbands of the wavelet transform (ISO 15444-1 Annex F): less than a twelfth of the work at a quarter
    of the rows. Pillow shifts 9- to 16-bit values up to 16 bits and offsets signed ones; both are undone.
    """
    with Jpeg2KImageFile(io.BytesIO(src)) as image:  # not by Image.open, which has its own pixel limit
        image.reduce = runner.get_option("reduce")
        image.load()
        samples = np.asarray(image)
    precision, is_signed = runner.get_option("j2k_precision"), runner.get_option("j2k_is_signed")
    if samples.dtype == np.uint16:
        samples = samples >> (16 - precision)
    if is_signed:
        samples = (samples.astype(np.int32) - (1 << precision - 1)).astype(samples.dtype.str.replace("u", "i"))
    return _stored(samples, runner)


def reduction(codestream: bytes, header: Header, min_size: tuple[int, int]) -> int:
    """How often a JPEG 2000 image can be halved and still have at least this many rows and columns.

    0 if the codestream is incomplete (a full decode is more likely to detect the fault).
    """
    if header.format is not Format.JPEG_2000 or not end_of_image(codestream, header):
        return 0
    sides = ((header.rows, min_size[0]), (header.columns, min_size[1]))
    return max((n for n in range(1, header.halvings + 1) if all(_keeps(side, n, enough) for side, enough in sides)), default=0)


def _keeps(side: int, times: int, min_side: int) -> bool:
    """Whether a side is still long enough after these halvings and is rounded up; Pillow rounds to nearest."""
    return side >> times >= min_side and 2 * (-side % 2**times) <= 2**times


def end_of_image(codestream: bytes, header: Header) -> int:
    """Where the image ends, before any padding; 0 if it has no end. No marker can occur within compressed samples."""
    end = codestream.rfind(END_OF_IMAGE, header.samples_at) if header.samples_at else -1
    return end + len(END_OF_IMAGE) if end >= 0 else 0


def _stored(samples: np.ndarray, runner: DecodeRunner) -> bytes:
    runner.set_option("bits_allocated", 8 * samples.dtype.itemsize)
    if runner.samples_per_pixel > 1:
        runner.set_option("planar_configuration", 0)
    return np.ascontiguousarray(samples).tobytes()


def install() -> None:
    """Registers the codecs with pydicom."""
    for syntax in DECODER_DEPENDENCIES:
        if syntax == JPEG2000Lossless:
            get_decoder(syntax).add_plugin(REDUCED, (__name__, "decode_reduced"))
        else:
            get_decoder(syntax).add_plugin(NAME, (__name__, "decode"))


install()
