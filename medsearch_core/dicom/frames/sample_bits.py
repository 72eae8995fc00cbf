"""Where in a decoded number a sample's bits are (PS3.5 8.1.1, Annex D), applied once, after every codec.

The bits around a sample may hold anything: an overlay, zeros under a negative value, what was there before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleBits:
    """Where a sample is.

    Args:
        held: the bits of a number that were stored: BitsAllocated, or the precision of a codestream.
        width: the sample's own bits.
        lowest: the bits below it.
        is_signed: whether the sample is a two's complement.
    """

    held: int
    width: int
    lowest: int
    is_signed: bool


def sample_bits(
    *, held: int, allocated: int, stored: int, high_bit: int | None, is_signed: bool, is_exact: bool = True
) -> SampleBits:
    """Where samples are, by the header and what was really stored.

    Args:
        held: the bits of a number that were stored.
        allocated: BitsAllocated.
        stored: BitsStored.
        high_bit: HighBit, if there is one.
        is_exact: whether bits survive the codec. Else nothing but samples can be in them, a little above BitsStored too.

    More bits than BitsAllocated allows are all the sample: the header is of another image.
    """
    if held > allocated:
        return SampleBits(held=held, width=held, lowest=0, is_signed=is_signed)
    lowest = 0 if high_bit is None else high_bit + 1 - stored
    lowest = lowest if 0 < lowest <= held - stored else 0
    width = min(stored, held) if is_exact else held - lowest
    return SampleBits(held=held, width=width, lowest=lowest, is_signed=is_signed)


def located(numbers: np.ndarray, bits: SampleBits) -> SampleBits:
    """Where the samples of these numbers really are: at the lowest bits, if a HighBit that says otherwise is wrong."""
    is_integer = numbers.dtype.kind in "iu" and bits.held > 1
    return replace(bits, lowest=0) if is_integer and bits.lowest and _is_right_justified(numbers, bits) else bits


def extracted(numbers: np.ndarray, bits: SampleBits) -> np.ndarray:
    """The samples: integers of the same size, signed if the samples are. Floats and single bits are returned as they are.

    Numbers that are samples already, as most are, are returned without a copy; they are not looked at where they cannot be
    anything else.
    """
    if numbers.dtype.kind not in "iu" or bits.held == 1:
        return numbers
    size = 8 * numbers.dtype.itemsize
    samples = numbers.view(numbers.dtype.str.replace("u", "i") if bits.is_signed else numbers.dtype.str.replace("i", "u"))
    if not bits.lowest and _are_samples(numbers, samples, bits):
        return samples
    return np.right_shift(np.left_shift(samples, size - bits.width - bits.lowest), size - bits.width)


def _are_samples(numbers: np.ndarray, samples: np.ndarray, bits: SampleBits) -> bool:
    if bits.width == 8 * numbers.dtype.itemsize or not samples.size:
        return True
    if not bits.is_signed:
        is_within = numbers.dtype.kind == "u" and bits.width == bits.held != 8 * numbers.dtype.itemsize
        return is_within or bool(samples.max() < 1 << bits.width)
    most = 1 << (bits.width - 1)
    return bool(samples.max() < most and samples.min() >= -most)


def _is_right_justified(numbers: np.ndarray, bits: SampleBits) -> bool:
    """Whether HighBit is wrong: no bit above a sample's width is set, but one below its supposed lowest is."""
    unsigned = numbers.view(numbers.dtype.str.replace("i", "u"))
    return bool(unsigned.max(initial=0) < 1 << bits.width and (unsigned & ((1 << bits.lowest) - 1)).any())
