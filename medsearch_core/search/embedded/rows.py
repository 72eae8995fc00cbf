"""How documents are stored in the embedded index: one Arrow row per document, images and reports in one table.

Belongs here: the table's schema and the conversion between documents and rows. There is one table so that one commit changes a
study completely. Columns are the documents' own fields, and:

- `key`: kind, study and id, the row's identity; `study_key`: `patient/study`; `inputs`: the study's digest;
- `kind`: image, report, or gone: a row that its study no longer has, hidden from every read until the next compaction;
- `vector`: the image's vector, length 1 or all zero, as little-endian float32 bytes, so that the schema does not depend on the
  model's dimensions;
- `fingerprint`: 64 bits of the vector's hash, by which a reader recognizes vectors it already has in memory;
- `…_prefixes`: every prefix of every code, which turns "J18 and below" into one exact membership test;
- `…_words`: the stems of a text's words, separated by spaces; null if there are none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
import pyarrow as pa

from medsearch_core.search.documents import ImageDocument, ReportDocument, StudyDocuments, fields_of
from medsearch_core.search.query import TextField
from medsearch_core.search.tokens import stems_of, words_of
from medsearch_core.search.unit_vectors import normalized
from medsearch_core.search.validation import code_prefix

IMAGE, REPORT, TOMBSTONE = "image", "report", "gone"

PREFIXED = {"present_codes": "present_prefixes", "absent_codes": "absent_prefixes", "uncertain_codes": "uncertain_prefixes"}
"""Column of codes → column of all their prefixes."""

WORDS = {field.value: f"{field.value}_words" for field in TextField}
"""Column of text → column of its words."""

Document = TypeVar("Document", ImageDocument, ReportDocument)

_HINTS = {kind: get_type_hints(kind) for kind in (ImageDocument, ReportDocument)}
_ARROW = {str: pa.string(), float: pa.float64(), bool: pa.bool_()}


def _arrow_type(name: str, hint: Any) -> pa.DataType:
    if name == "vector":
        return pa.binary()
    if get_origin(hint) is Sequence:
        return pa.list_(pa.string())
    return _ARROW[next(t for t in (get_args(hint) or (hint,)) if t is not type(None))]


SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False, metadata={"lance-schema:unenforced-primary-key": "true"}),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("study_key", pa.string(), nullable=False),
        pa.field("inputs", pa.string()),
        pa.field("fingerprint", pa.int64()),
        *(pa.field(name, pa.list_(pa.string())) for name in PREFIXED.values()),
        *(pa.field(name, pa.string()) for name in WORDS.values()),
        *(pa.field(n, _arrow_type(n, h)) for n, h in (_HINTS[ImageDocument] | _HINTS[ReportDocument]).items()),
    ]
)


def columns_of(kind: type, held: Collection[str] = SCHEMA.names) -> list[str]:
    """The columns of a kind of document: all its fields except the vector, limited to those in `held`."""
    return [f.name for f in fields(kind) if f.name != "vector" and f.name in held]


def rows_of(study: StudyDocuments) -> dict[str, dict[str, Any]]:
    """A study's rows by key. Of two documents with the same id the last is kept."""
    rows = [_row(IMAGE, d.image_id, d, study) for d in study.images]
    rows += [_row(REPORT, d.report_id, d, study) for d in study.reports]
    return {row["key"]: row for row in rows}


def tombstone_row(key: str, study_key: str) -> dict[str, Any]:
    """The row that hides a document its study no longer has."""
    return {"key": key, "kind": TOMBSTONE, "study_key": study_key}


def table_of_rows(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Rows as an Arrow table in `SCHEMA`."""
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)


def documents_of(kind: type[Document], table: pa.Table) -> list[Document]:
    """The documents in an Arrow table with `columns_of(kind)`, except facets that the table lacks. Lists become tuples."""
    rows: list[dict[str, Any]] = table.select(columns_of(kind, table.column_names)).to_pylist()
    for row in rows:
        row |= {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
    return [kind(**row) for row in rows]


def vectors_of(column: pa.ChunkedArray) -> np.ndarray:
    """The vectors of a column without nulls, as float32[rows, dimensions]."""
    rows = column.to_pylist()
    return np.frombuffer(b"".join(rows), dtype="<f4").reshape(len(rows), -1)


def _row(kind: str, id_: str, document: ImageDocument | ReportDocument, study: StudyDocuments) -> dict[str, Any]:
    key = f"{study.study.partition}/{kind}/{id_}"
    row: dict[str, Any] = {"key": key, "kind": kind, "study_key": study.study.partition, "inputs": study.inputs}
    row |= fields_of(document)
    row |= {target: _prefixes(row[source]) for source, target in PREFIXED.items()}
    if isinstance(document, ImageDocument):
        vector = normalized(document.vector).astype("<f4").tobytes()
        digest = hashlib.blake2b(vector, digest_size=8).digest()
        row |= {"vector": vector, "fingerprint": int.from_bytes(digest, "little", signed=True)}
    else:
        row |= {target: " ".join(stems_of(words_of(row[source] or ""))) or None for source, target in WORDS.items()}
    return row


def _prefixes(codes: Sequence[str]) -> list[str]:
    spelled = {code_prefix(c) for c in codes}
    return sorted({c[:end] for c in spelled for end in range(1, len(c) + 1)})
