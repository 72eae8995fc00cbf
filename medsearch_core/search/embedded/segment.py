"""A segment: some studies' documents in one immutable file, mapped into memory.

Belongs here: opening a segment and finding its parts. Which of its rows a reader may see is a matter of `view`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final, get_origin, get_type_hints

import numpy as np
import orjson

from medsearch_core.search.documents import ImageDocument, ReportDocument
from medsearch_core.search.embedded.arrays import MappedArrays
from medsearch_core.search.embedded.fields import AGE, ID, IMAGE, REPORT
from medsearch_core.search.embedded.manifest import Part
from medsearch_core.search.embedded.nearest import Vectors
from medsearch_core.search.embedded.postings import Integers, Postings
from medsearch_core.search.embedded.scan import Floats
from medsearch_core.search.embedded.strings import Strings
from medsearch_core.search.embedded.words import Words
from medsearch_core.search.model import Model
from medsearch_core.search.query import TextField

TYPES: Final[dict[str, type[Any]]] = {IMAGE: ImageDocument, REPORT: ReportDocument}


@cache
def _form_of(kind: str) -> tuple[frozenset[str], tuple[str, ...], dict[str, Any]]:
    """The names of a document's fields, those of its lists, and its defaults."""
    type_ = TYPES[kind]
    lists = tuple(name for name, hint in get_type_hints(type_).items() if get_origin(hint) is Sequence)
    defaults = {field.name: field.default for field in fields(type_) if field.default is not MISSING}
    return frozenset(field.name for field in fields(type_)), lists, defaults


class Documents:
    """The images or the reports of a segment."""

    def __init__(self, arrays: MappedArrays, kind: str) -> None:
        self._arrays = arrays
        self._kind = kind
        self._type = TYPES[kind]
        self._names, self._lists, self._defaults = _form_of(kind)
        self._columns: dict[str, Postings] = {}
        self.ends: Integers = arrays[f"{kind}.ends"]
        self.json = Strings(arrays[f"{kind}.documents"], arrays[f"{kind}.documents.ends"])

    def __len__(self) -> int:
        return len(self.json)

    @property
    def ages(self) -> np.ndarray:
        """float64, NaN where there is none."""
        return self._arrays[f"{self._kind}.{AGE}"]

    def column(self, field: str) -> Postings:
        """The rows of each value of a field; no values if the segment has no such field."""
        found = self._columns.get(field)
        if found is None:
            found = self._columns[field] = Postings.read(self._arrays, f"{self._kind}.{field}")
        return found

    @property
    def ids(self) -> Postings:
        """The rows of each id."""
        return self.column(ID[self._kind])

    @cached_property
    def rank(self) -> Integers:
        """The place of each row in the order of ids, then studies."""
        rank = np.empty(len(self), np.int64)
        rank[self.ids.rows] = np.arange(len(self))
        return rank

    def id(self, row: int) -> bytes:
        """A row's id."""
        ids = self.ids
        return ids.values[int(ids.starts.searchsorted(self.rank[row], side="right")) - 1]

    def study(self, row: int) -> int:
        """The number of a row's study."""
        return int(self.ends.searchsorted(row, side="right"))

    def rows_of_study(self, study: int) -> range:
        return range(int(self.ends[study - 1]) if study else 0, int(self.ends[study]))

    def document(self, row: int) -> Any:
        """A document. Fields that this version does not know are left out."""
        found = orjson.loads(self.json[row])
        if not self._names.issuperset(found):
            found = {name: value for name, value in found.items() if name in self._names}
        for name in self._lists:
            if name in found:
                found[name] = tuple(found[name])
        document = object.__new__(self._type)
        document.__dict__.update(self._defaults)
        document.__dict__.update(found)  # a frozen dataclass's own way of setting its fields takes ten times as long
        return document


class Segment:
    """One file, opened."""

    def __init__(self, folder: Path, part: Part) -> None:
        """
        Raises:
            StorageError: the file is damaged.
            FileNotFoundError: there is no such file.
        """
        self.arrays = MappedArrays(folder / part.file, part.length, part.checksum)
        self.studies = Strings(self.arrays["studies"], self.arrays["studies.ends"])
        self.inputs = Strings(self.arrays["inputs"], self.arrays["inputs.ends"])
        self.images = Documents(self.arrays, IMAGE)
        self.reports = Documents(self.arrays, REPORT)
        model = self.arrays.meta["model"]
        self.model = None if model is None else Model(**model)
        self._words: dict[TextField, Words] = {}

    def of_kind(self, kind: str) -> Documents:
        return self.images if kind == IMAGE else self.reports

    def words(self, field: TextField) -> Words:
        """The words of the reports' field."""
        if field not in self._words:
            self._words[field] = Words.read(self.arrays, f"{REPORT}.{field.value}")
        return self._words[field]

    @property
    def vectors(self) -> Floats:
        """float32[images, dimensions], of length 1 or zero."""
        return self.arrays["vectors"]

    @cached_property
    def nearest(self) -> Vectors:
        """The search over the vectors."""
        return Vectors(self.arrays)
