"""Tags that people give studies, such as the name of a teaching file or trial. Kept in the warehouse; not reproducible."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from medsearch_core.errors import InvalidQuery, ObjectNotFound
from medsearch_core.keys import StudyKey
from medsearch_core.records import TagRecord
from medsearch_core.search.index import SearchIndex
from medsearch_core.search.query import Filters
from medsearch_core.storage.warehouse import Warehouse, study_path
from medsearch_pipeline.studies.documents import TABLES, read_documents, read_tags

MAX_LENGTH = 64


def normalize_tags(given: Iterable[str]) -> list[str]:
    """The tags stripped, deduplicated and sorted, in Unicode NFC, so that é is one character.

    Raises:
        InvalidQuery: one is empty, longer than `MAX_LENGTH`, or contains a character that cannot be printed.
    """
    tags = sorted({unicodedata.normalize("NFC", tag).strip() for tag in given})
    if any(not 1 <= len(tag) <= MAX_LENGTH or not tag.isprintable() for tag in tags):
        raise InvalidQuery(f"a tag must have 1 to {MAX_LENGTH} printable characters")
    return tags


def retag(warehouse: Warehouse, study: StudyKey, add: Sequence[str] = (), remove: Sequence[str] | None = ()) -> list[str]:
    """Adds tags to a study and removes others, or all (`remove=None`); returns its current tags.

    Raises:
        InvalidQuery: a tag is malformed.
        ObjectNotFound: the warehouse has no such study.
    """
    if all(warehouse.inputs(study_path(table, study)) is None for table in TABLES):
        raise ObjectNotFound(f"there is no study {study} in {warehouse.store.url}")
    held = read_tags(warehouse, study)
    removed = set(held) if remove is None else set(normalize_tags(remove))
    tags = normalize_tags({*held, *add} - removed)
    path = study_path("tags", study)
    if tags:
        warehouse.write_rows(TagRecord, path, [TagRecord(tag=tag) for tag in tags])
    else:
        warehouse.store.delete(path)
    return tags


def refresh(warehouse: Warehouse, index: SearchIndex, study: StudyKey) -> bool:
    """Rewrites an indexed study with its current tags; returns whether it is in the index.

    Raises:
        StudyIncomplete: one of its tables has to be materialized first.
    """
    held = index.count(Filters(patients=(study.patient,), studies=(study.study,)))
    if not (held.images or held.reports):
        return False
    index.upsert([read_documents(warehouse, study)])
    return True
