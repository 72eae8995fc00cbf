"""Single header attributes as plain values: absent or malformed attributes are None.

Nothing here raises on a bad header or decides what an attribute means for a table.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.valuerep import PersonName

from medsearch_core.dicom.quiet import FAULTS

INT64 = range(-(2**63), 2**63)


def value(ds: Dataset, keyword: str) -> Any:
    """The attribute as pydicom converts it, None if it is absent, empty or cannot be converted."""
    try:
        found = ds.get(keyword)
    except FAULTS:
        return None
    return None if found is None or found == "" else found


def text(ds: Dataset, keyword: str) -> str | None:
    """The attribute as text: valid Unicode, no padding; several values joined by a backslash, as DICOM stores them."""
    found = value(ds, keyword)
    if found is None or isinstance(found, bytes | Dataset):
        return None
    try:
        parts = [str(part) for part in found] if isinstance(found, MultiValue | list) else [str(found)]
    except FAULTS:
        return None
    joined = "\\".join(part.strip(" \0\t\r\n") for part in parts)
    return joined.encode("utf-8", "replace").decode() if joined.strip("\\") else None


def numbers(ds: Dataset, keyword: str) -> list[float] | None:
    """Every value as a finite float, or None."""
    found = value(ds, keyword)
    if found is None or isinstance(found, bytes | str | PersonName):
        return None
    try:
        floats = [float(part) for part in (found if isinstance(found, Iterable) else [found])]
    except FAULTS:
        return None
    return floats if floats and all(math.isfinite(number) for number in floats) else None


def number(ds: Dataset, keyword: str) -> float | None:
    """The attribute's only value as a finite float, or None."""
    found = numbers(ds, keyword)
    return found[0] if found and len(found) == 1 else None


def integer(ds: Dataset, keyword: str) -> int | None:
    """The attribute's only value as an integer of 64 bits, or None."""
    found = value(ds, keyword)
    if found is None or isinstance(found, bytes | str | PersonName | Dataset | MultiValue | list):
        return None
    try:
        whole = int(found)
    except FAULTS:
        return None
    return whole if whole == found and whole in INT64 else None


def item(ds: Dataset, keyword: str, index: int = 0) -> Dataset | None:
    """One item of a sequence, or None."""
    found = value(ds, keyword)
    try:
        entry = found[index]
    except FAULTS:
        return None
    return entry if isinstance(entry, Dataset) else None


def functional_group(ds: Dataset, frame: int, keyword: str) -> Dataset | None:
    """The functional group macro of a frame (1-based): its own, else the shared one (PS3.3 C.7.6.16)."""
    for groups in (
        item(ds, "PerFrameFunctionalGroupsSequence", frame - 1),
        item(ds, "SharedFunctionalGroupsSequence"),
    ):
        if groups is not None and (macro := item(groups, keyword)) is not None:
            return macro
    return None
