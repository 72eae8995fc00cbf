"""A decoding plugin for pydicom: the codecs that are fastest for an original-size radiograph (docs/embedding-benchmarks.md).

From imagecodecs: libjpeg-turbo for JPEG Lossless and 12-bit JPEG, CharLS for JPEG-LS, OpenJPH for HTJ2K. From Pillow: OpenJPEG
for JPEG 2000 at reduced resolution. All raise on a codestream that they cannot read. pydicom's runner does the rest.
"""

from __future__ import annotations

import io

import numpy as np
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from pydicom.pixels import get_decoder
from pydicom.pixels.decoders.base import DecodeRunner
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
)

from medsearch_core.dicom.encapsulation import J2K_START

NAME, REDUCED = "imagecodecs", "reduced"
JPEG = (JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1)
JPEG_LS = (JPEGLSLossless, JPEGLSNearLossless)
HIGH_THROUGHPUT = (HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K)
REDUCIBLE = (JPEG2000Lossless, JPEG2000)
END_OF_IMAGE = b"\xff\xd9"
"""EOI of JPEG and JPEG-LS (ISO 10918-1 B.1.1.3), EOC of JPEG 2000 (ISO 15444-1 A.4.4)."""
ORIGIN = slice(16, 24)
"""XOsiz and YOsiz (ISO 15444-1 A.5.1)."""
CODING_STYLE = b"\xff\x52"
COLORS = "rgb"
"""The color space of both input and output of a three-sample JPEG, so that no sample is converted."""

try:
    import imagecodecs
except ImportError:  # the service runs without, until a frame needs it
    HAS_CODECS = False
else:
    HAS_CODECS = True

DECODER_DEPENDENCIES = dict.fromkeys((*JPEG, *JPEG_LS, *HIGH_THROUGHPUT, *REDUCIBLE), ("imagecodecs",))


def is_available(uid: str) -> bool:
    """Whether frames of a transfer syntax can be decoded here."""
    return uid in REDUCIBLE or (uid in DECODER_DEPENDENCIES and HAS_CODECS)


def decode(src: bytes, runner: DecodeRunner) -> bytes:
    """One frame at full resolution, samples interleaved by pixel.

    Raises:
        ValueError: the codestream ends early; or what the codec raises, which is a `RuntimeError`.
    """
    if runner.transfer_syntax in HIGH_THROUGHPUT:
        samples = imagecodecs.htj2k_decode(src, planar=False)
    elif not is_whole(src):
        raise ValueError("the codestream is incomplete")
    elif runner.transfer_syntax in JPEG_LS:
        samples = imagecodecs.jpegls_decode(src)
    else:
        colors = COLORS if runner.samples_per_pixel > 1 else None
        samples = imagecodecs.jpeg8_decode(src, colorspace=colors, outcolorspace=colors)
    return _stored(samples, runner)


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


def reduction(codestream: bytes, rows: int, columns: int, min_size: tuple[int, int]) -> int:
    """How often a JPEG 2000 image can be halved and still have at least this many rows and columns.

    0 if the codestream is incomplete (a full decode is more likely to detect the fault), if it does not start at the origin
    of its grid, or if it is wrapped in a file's boxes.
    """
    if not is_whole(codestream) or codestream[:4] != J2K_START or any(codestream[ORIGIN]):
        return 0
    levels = decomposition_levels(codestream)
    return max((n for n in range(1, levels + 1) if _keeps(rows, n, min_size[0]) and _keeps(columns, n, min_size[1])), default=0)


def _keeps(side: int, times: int, min_side: int) -> bool:
    """Whether a side is still long enough after these halvings and is rounded up; Pillow rounds to nearest."""
    return side >> times >= min_side and 2 * (-side % 2**times) <= 2**times


def decomposition_levels(codestream: bytes) -> int:
    """NumberOfDecompositionLevels of the main header's COD (ISO 15444-1 A.6.1); 0 if there is none."""
    at = codestream.find(CODING_STYLE, 0, 4096)
    return codestream[at + 9] if 0 <= at < len(codestream) - 9 else 0


def is_whole(codestream: bytes) -> bool:
    """Whether a codestream ends with its end marker, ignoring padding."""
    return codestream[-64:].rstrip(b"\0\xff").endswith(END_OF_IMAGE)


def _stored(samples: np.ndarray, runner: DecodeRunner) -> bytes:
    runner.set_option("bits_allocated", 8 * samples.dtype.itemsize)
    if runner.samples_per_pixel > 1:
        runner.set_option("planar_configuration", 0)
    return np.ascontiguousarray(samples).tobytes()


def install() -> None:
    """Registers the codecs with pydicom."""
    for syntaxes, label, function in ((DECODER_DEPENDENCIES, NAME, "decode"), (REDUCIBLE, REDUCED, "decode_reduced")):
        for syntax in syntaxes:
            if label == REDUCED or syntax not in REDUCIBLE:
                get_decoder(UID(syntax)).add_plugin(label, (__name__, function))


install()
