"""A decoded frame, and how it is made of decoded numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medsearch_core.dicom.frames.layout import Layout
from medsearch_core.dicom.frames.sample_bits import SampleBits, extracted, located, sample_bits

UNCOMPRESSED, RUN_LENGTHS, DEFLATED = "uncompressed", "RLE", "deflated"


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """A decoded frame.

    Args:
        samples: `[rows, columns]`, or `[rows, columns, 3]`; native byte order, possibly read-only.
        photometric: the photometric interpretation of `samples`: what is transformed in YBR_ICT and YBR_RCT is RGB by now.
        bits: of a sample.
        halvings: how often it was halved.
        is_lossy: whether it differs from the image that was compressed.
        codec: what it was decoded from: the format of a codestream, or one of the names below.
        place: where the samples were in the decoded numbers; None where each number is one, by its nature.
        is_cut_out: whether the decoded numbers were other ones than the samples.
    """

    samples: np.ndarray
    photometric: str
    bits: int
    halvings: int = 0
    is_lossy: bool = False
    codec: str = ""
    place: SampleBits | None = None
    is_cut_out: bool = False


def bits_of(layout: Layout, held: int, *, is_exact: bool = True) -> SampleBits:
    """Where samples are in numbers of which `held` bits were stored."""
    return sample_bits(
        held=held,
        allocated=layout.bits_allocated,
        stored=layout.bits_stored,
        high_bit=layout.high_bit,
        is_signed=layout.is_signed,
        is_exact=is_exact,
    )


def stored_as(
    numbers: np.ndarray, bits: SampleBits, photometric: str, *, codec: str = UNCOMPRESSED, is_lossy: bool = False
) -> StoredFrame:
    """The frame in decoded numbers."""
    native = numbers.astype(numbers.dtype.newbyteorder("="), copy=False)
    place = located(native, bits)
    samples = extracted(native, place)
    is_cut_out = not np.may_share_memory(samples, native)
    return StoredFrame(samples, photometric, bits.width, is_lossy=is_lossy, codec=codec, place=place, is_cut_out=is_cut_out)
