"""A damaged file from whole ones: by its seed and its number always the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

Mutation = Callable[[bytes, random.Random, Sequence[bytes]], bytes]

PIXEL_DATA = (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")
INTEGERS = (0, 1, 2, 3, 7, 8, 9, 11, 12, 15, 16, 17, 24, 31, 32, 63, 64, 255, 256, 4096, 32767, 32768, 65534, 65535)
LENGTHS = (0, 1, 2, 4, 7, 8, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
WHOLE_NUMBERS = {
    0x0002: "SamplesPerPixel",
    0x0006: "PlanarConfiguration",
    0x0010: "Rows",
    0x0011: "Columns",
    0x0100: "BitsAllocated",
    0x0101: "BitsStored",
    0x0102: "HighBit",
    0x0103: "PixelRepresentation",
    0x0120: "PixelPaddingValue",
    0x1101: "RedPaletteColorLookupTableDescriptor",
    0x3002: "LUTDescriptor",
}
"""Element of group 0028 → its keyword."""
SYNTAXES = [
    f"1.2.840.10008.1.2{rest}"
    for rest in (
        "",
        ".1",
        ".2",
        ".5",
        ".1.99",
        ".1.98",
        ".8.1",
        *(f".4.{n}" for n in (50, 51, 57, 70, 80, 81, 90, 91, 110, 201)),
    )
]
TEXTS: dict[tuple[int, int], Sequence[str]] = {
    (0x0028, 0x0004): (
        *("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"),
        *("ARGB", "", "X"),
    ),
    (0x0028, 0x0008): ("0", "-1", "1", "2", "3", "1A", "65536", "2147483647", "99999999999", "1.5", "nan", ""),
    (0x0028, 0x1050): ("0", "-1e308", "1e308", "nan", "1\\2\\3", "", "4096"),
    (0x0028, 0x1051): ("0", "-1", "1e-300", "1e308", "inf", "1\\2\\3", ""),
    (0x0028, 0x1052): ("1e308", "-1e308", "nan", "1\\2", "", "-1024"),
    (0x0028, 0x1053): ("0", "1e308", "-1e308", "1e-320", "inf", "1\\2", ""),
    (0x0028, 0x0030): ("0\\0", "1e308\\1e-308", "-1\\1", "1", "nan\\1", ""),
    (0x0028, 0x0034): ("0\\0", "1\\1000000", "1000000\\1", "-1\\1", ""),
    (0x0002, 0x0010): (*SYNTAXES, "", "1.2.3.4"),
}
"""Tag → values to set."""


def mutated(seeds: Sequence[bytes], seed: int, number: int) -> bytes:
    """A file with one to four changes."""
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 - chance, not secrecy
    data = chance.choice(seeds)
    for _ in range(chance.choice((1, 1, 2, 3, 4))):
        data = chance.choice(MUTATIONS)(data, chance, seeds)
    return data


def flip_bits(data: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    """Single bits anywhere."""
    changed = bytearray(data)
    for _flip in range(chance.choice((1, 1, 2, 8, 64)) if data else 0):
        changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def set_bytes(data: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    """A run of one byte, or of noise."""
    at, length = _place(data, chance), chance.choice((1, 2, 4, 16, 200))
    filling = chance.choice((b"\0" * length, b"\xff" * length, chance.randbytes(length)))
    return data[:at] + filling + data[at + length :]


def truncate(data: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    """The end is missing."""
    return data[: _place(data, chance)]


def remove(data: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    """Some bytes are missing."""
    at = _place(data, chance)
    return data[:at] + data[at + chance.choice((1, 2, 8, 100, 5000)) :]


def repeat(data: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    """Some bytes are there several times."""
    at, length = _place(data, chance), chance.choice((1, 2, 8, 100, 2000))
    return data[:at] + data[at : at + length] * chance.choice((2, 3, 20)) + data[at + length :]


def splice(data: bytes, chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """The beginning of one and the end of another."""
    other = chance.choice(seeds)
    return data[: _place(data, chance)] + other[_place(other, chance) :]


def swap_pixels(data: bytes, chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """The header of one and the pixel data of another."""
    other = chance.choice(seeds)
    at, from_ = (max(one.rfind(tag) for tag in PIXEL_DATA) for one in (data, other))
    return data if at < 0 or from_ < 0 else data[:at] + other[from_:]


def set_length(data: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    """Four bytes where a length may be: in the head of an element or of an item, or anywhere."""
    heads = (b"OW\0\0", b"OB\0\0", b"SQ\0\0", b"UN\0\0", b"\xfe\xff\x00\xe0", PIXEL_DATA[0])
    at = data.find(chance.choice(heads), _place(data, chance)) + 4
    at = at if at > 3 else _place(data, chance)
    return data[:at] + chance.choice(LENGTHS).to_bytes(4, chance.choice(("little", "big"))) + data[at + 4 :]


def set_number(data: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    """A whole number of the image's header."""
    element, value = chance.choice(list(WHOLE_NUMBERS)), chance.choice(INTEGERS)
    for order in ("little", "big"):
        tag = (0x28).to_bytes(2, order) + element.to_bytes(2, order)
        at = data.find(tag)
        if at >= 0:
            return data[: at + 8] + value.to_bytes(2, order) + data[at + 10 :]
    return data


def set_text(data: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    """A text of the header, of another length."""
    group, element = chance.choice(list(TEXTS))
    value = chance.choice(TEXTS[group, element]).encode()
    value += b" " * (len(value) % 2)
    for order in ("little", "big"):
        tag = group.to_bytes(2, order) + element.to_bytes(2, order)
        at = data.find(tag)
        if at < 0:
            continue
        is_explicit = data[at + 4 : at + 6].isalpha()
        head = at + (6 if is_explicit else 4)
        size = 2 if is_explicit else 4
        end = head + size + int.from_bytes(data[head : head + size], order)
        return data[:head] + len(value).to_bytes(size, order) + value + data[end:]
    return data


MUTATIONS: tuple[Mutation, ...] = (
    *(flip_bits, set_bytes, truncate, remove, repeat, splice, swap_pixels, set_length),
    *(set_number, set_number, set_number, set_text, set_text, set_text),
)


def _place(data: bytes, chance: random.Random) -> int:
    """Anywhere; as often in the first kilobytes, where the header is."""
    return chance.randrange(min(len(data), chance.choice((2000, len(data) or 1))) or 1)
