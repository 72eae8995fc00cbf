"""Single header attributes as plain values: absent or malformed attributes are None.

Nothing here raises on a bad header or decides what an attribute means for a table.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag
from pydicom.valuerep import PersonName

from medsearch_core.dicom.quiet import FAULTS

Name = str | BaseTag
"""An attribute's keyword; the tag of one of a repeating group, which has none."""
INT64 = range(-(2**63), 2**63)


def value(ds: Dataset, keyword: Name) -> Any:
    """The attribute as pydicom converts it, None if it is absent, empty or cannot be converted."""
    try:
        found = ds.get(keyword)
        found = found.value if isinstance(found, DataElement) else found
    except FAULTS:
        return None
    return None if found is None or found == "" else found


def text(ds: Dataset, keyword: Name) -> str | None:
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


def numbers(ds: Dataset, keyword: Name) -> list[float] | None:
    """Every value as a finite float, or None."""
    found = value(ds, keyword)
    if found is None or isinstance(found, bytes | str | PersonName):
        return None
    try:
        floats = [float(part) for part in (found if isinstance(found, Iterable) else [found])]
    except FAULTS:
        return None
    return floats if floats and all(math.isfinite(number) for number in floats) else None


def number(ds: Dataset, keyword: Name) -> float | None:
    """The attribute's only value as a finite float, or None."""
    found = numbers(ds, keyword)
    return found[0] if found and len(found) == 1 else None


def integer(ds: Dataset, keyword: Name) -> int | None:
    """The attribute's only value as an integer of 64 bits, or None."""
    found = value(ds, keyword)
    if found is None or isinstance(found, bytes | str | PersonName | Dataset | MultiValue | list):
        return None
    try:
        whole = int(found)
    except FAULTS:
        return None
    return whole if whole == found and whole in INT64 else None


def integers(ds: Dataset, keyword: str) -> list[int] | None:
    """Every value as an integer of 64 bits, or None."""
    found = numbers(ds, keyword) or []
    whole = [int(each) for each in found]
    return whole if whole and whole == found and all(each in INT64 for each in whole) else None


def item(ds: Dataset, keyword: str, index: int = 0) -> Dataset | None:
    """One item of a sequence, or None."""
    found = value(ds, keyword)
    try:
        entry = found[index]
    except FAULTS:
        return None
    return entry if isinstance(entry, Dataset) else None


def items(ds: Dataset, keyword: str, max_items: int) -> list[Dataset]:
    """The first items of a sequence; none if it is absent or no sequence."""
    found = value(ds, keyword)
    try:
        return [entry for entry in found[:max_items] if isinstance(entry, Dataset)]
    except FAULTS:
        return []


def functional_group(ds: Dataset, frame: int, keyword: str) -> Dataset | None:
    """The functional group macro of a frame (1-based): its own, else the shared one (PS3.3 C.7.6.16)."""
    return next((macro for groups in functional_groups(ds, frame) if (macro := item(groups, keyword)) is not None), None)


def functional_groups(ds: Dataset, frame: int) -> list[Dataset]:
    """The functional groups of a frame (1-based): its own, then those that all frames share."""
    own, shared = item(ds, "PerFrameFunctionalGroupsSequence", frame - 1), item(ds, "SharedFunctionalGroupsSequence")
    return [groups for groups in (own, shared) if groups is not None]
