"""Splitting a text into chunks that a service accepts, at sentence ends.

Belongs here: where to split. The chunks join to the whole text, so an offset in the text is the chunk's start plus that in the
chunk.
"""

from __future__ import annotations

from collections.abc import Iterator

from medsearch_core.reports.text.lines import SENTENCE_END


def chunks(text: str, limit_bytes: int) -> Iterator[tuple[int, int]]:
    """The chunks as `begin, end`, each at most `limit_bytes` long in UTF-8.

    Splits after as many whole sentences as fit; a longer sentence after as many words, a longer word at the limit.
    """
    ends = [*(match.end() for match in SENTENCE_END.finditer(text)), len(text)]
    begin = 0
    while begin < len(text):
        full = _fits(text, begin, limit_bytes)
        end = max((e for e in ends if begin < e <= full), default=None) or _after_a_word(text, begin, full)
        yield begin, end
        begin = end


def _fits(text: str, begin: int, limit_bytes: int) -> int:
    """The furthest end at which the text from `begin` is within the limit."""
    piece = text[begin : begin + limit_bytes].encode()[:limit_bytes]
    return begin + len(piece.decode(errors="ignore"))


def _after_a_word(text: str, begin: int, full: int) -> int:
    if full == len(text):
        return full
    space = max(text.rfind(" ", begin, full), text.rfind("\n", begin, full))
    return space + 1 if space > begin else full
