"""Numbers with their nouns, as messages show them."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """`1 study`, `2 studies`, `0 runs`: a count with its noun in the right number.

    Args:
        noun: in the singular; the last word takes the plural.
    """
    if count == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else f"{noun}s"
    return f"{count} {plural}"
