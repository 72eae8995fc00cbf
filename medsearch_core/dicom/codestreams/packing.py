"""How compressed frames are packed into an object: items (PS3.5 A.4), and which of them make up which frame.

Read from the bytes. Offset tables are hints: they may be absent, empty or wrong, and no frame is lost for it. Nothing is
decoded or copied here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from struct import unpack_from

from medsearch_core.dicom.codestreams.detection import is_start
from medsearch_core.dicom.codestreams.header import END_OF_IMAGE

ITEM, DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
ITEM_HEAD = 8
AFTER_END = 18
"""How many bytes before the end of a fragment the end of its image may begin."""
ADJACENT = re.compile(rb"\xff\xd9.{0,16}?(?=\xff\xd8\xff|\xff\x4f\xff\x51)", re.DOTALL)
"""The end of one codestream, and the start of another soon after it (ISO 10918-1 B.1.1.3, ISO 15444-1 A.4)."""

Span = tuple[int, int]
"""Where bytes begin and end."""
Division = Sequence[Sequence[Span]]
"""The spans of each frame, in order."""
IsStart = Callable[[bytes, int], bool]


@dataclass(frozen=True, slots=True)
class Items:
    """The items of a value: the offset table that comes first, and the fragments after it.

    Args:
        is_cut: whether the value ends within an item: within the last fragment, which is then shorter, or the head of one.
        is_contiguous: whether only the delimiter, or nothing, follows the last one.
    """

    table: Sequence[int]
    fragments: Sequence[Span]
    is_cut: bool
    is_contiguous: bool


def read_items(data: bytes) -> Items:
    """Walks over the items of a value. A first item that begins like a codestream is a fragment: the table is missing."""
    spans, at = [], 0
    while at + ITEM_HEAD <= len(data) and data.startswith(ITEM, at):
        begin = at + ITEM_HEAD
        at = begin + int.from_bytes(data[at + 4 : begin], "little")
        spans.append((begin, min(at, len(data))))
    has_table = bool(spans) and not (spans[0][1] > spans[0][0] and is_start(data, spans[0][0]))
    table = _numbers(data[spans[0][0] : spans[0][1]], "L") if has_table else ()
    rest = data[at : at + ITEM_HEAD]
    is_cut = at > len(data) or (0 < len(rest) < ITEM_HEAD and ITEM.startswith(rest[:4]))
    ends_well = is_cut or not rest or DELIMITER.startswith(rest[:4])
    return Items(table, spans[has_table:], is_cut, ends_well)


def divide(
    data: bytes, items: Items, frames: int, tables: Sequence[Sequence[int]] = (), begins: IsStart = is_start
) -> Division:
    """The fragments of each frame, all or as many frames as there are.

    Of the divisions into as many frames as the object claims, that one is right in which most frames begin like a codestream:
    by an offset table, a fragment for each frame, by the codestreams' own beginnings, or those within a fragment.

    Args:
        data: the value that the spans are of.
        frames: how many the object claims.
        tables: further offset tables.
        begins: whether a frame begins at an offset.
    """
    fragments = items.fragments
    if frames == 1 or not fragments:
        return [_first_image(data, fragments, begins)] if fragments else []
    by_start = _by_start(data, fragments, begins)
    found = [*(by_table(fragments, table) for table in (*tables, items.table)), [[each] for each in fragments], by_start]
    if len(fragments) < frames:
        found.append(_within(data, fragments))
    whole = [division for division in found if len(division) == frames]
    if whole:
        return max(whole, key=lambda division: sum(begins(data, spans[0][0]) for spans in division))
    if len(fragments) < frames:
        return max(found, key=len)
    return by_start or found[-1]


def joined(data: bytes, spans: Sequence[Span]) -> bytes:
    """The bytes of spans."""
    return data[slice(*spans[0])] if len(spans) == 1 else b"".join(data[begin:end] for begin, end in spans)


def count_codestreams(data: bytes) -> int:
    """How many codestreams begin in the items of a value."""
    return sum(is_start(data, begin) for begin, _ in read_items(data).fragments)


def extended_offsets(table: object) -> Sequence[int]:
    """The offsets of an Extended Offset Table (PS3.3 C.7.6.3.1.8)."""
    return _numbers(table, "Q") if isinstance(table, bytes) else ()


def _numbers(table: bytes, code: str) -> Sequence[int]:
    count = len(table) // (4 if code == "L" else 8)
    return unpack_from(f"<{count}{code}", table)


def by_table(fragments: Sequence[Span], table: Sequence[int]) -> Division:
    """By offsets of the frames' first items, counted from the first fragment's; none, if one hits no item."""
    first = fragments[0][0]
    number = {begin - first: n for n, (begin, _) in enumerate(fragments)}
    starts = [number.get(offset, -1) for offset in table]
    if not starts or starts[0] != 0 or any(a >= b for a, b in pairwise(starts)):
        return []
    return _cut_at(fragments, starts)


def _first_image(data: bytes, fragments: Sequence[Span], begins: IsStart) -> Sequence[Span]:
    """The fragments of a single frame: all of them, unless another image begins after the first one has ended."""
    images = _by_start(data, fragments, begins)
    if len(images) < 2 or images[0][0] != fragments[0]:
        return fragments
    begin, end = images[0][-1]
    has_ended = begins is not is_start or END_OF_IMAGE in data[max(begin, end - AFTER_END) : end]
    return images[0] if has_ended else fragments


def _by_start(data: bytes, fragments: Sequence[Span], begins: IsStart) -> Division:
    return _cut_at(fragments, [n for n, (begin, _) in enumerate(fragments) if begins(data, begin)])


def _cut_at(fragments: Sequence[Span], starts: Sequence[int]) -> Division:
    return [fragments[a:b] for a, b in pairwise([*starts, len(fragments)])]


def _within(data: bytes, fragments: Sequence[Span]) -> Division:
    """By the ends and beginnings of codestreams within fragments."""
    parts: list[list[Span]] = []
    for begin, end in fragments:
        cuts = [match.end() for match in ADJACENT.finditer(data, begin, end)]
        parts += [[span] for span in pairwise([begin, *cuts, end])]
    return parts
