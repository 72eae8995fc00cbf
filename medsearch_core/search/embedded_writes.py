"""Changes of the embedded index: what an upsert has to write, and the one commit that does it.

Belongs here: comparing studies with what is held, and replacing them. A study's rows are updated and added by key, and those it
no longer has are turned into hidden rows, all by one plain merge. (Lance can delete rows that the source lacks in the same
commit, but then reads the whole table into memory: at 200,000 images 0.3 s and 0.9 GB against 0.02 s.)
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from medsearch_core.errors import IndexMismatch
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import StudyDocuments
from medsearch_core.search.embedded_filters import any_of
from medsearch_core.search.embedded_rows import GONE, IMAGE, gone_row, rows_of, table_of_rows
from medsearch_core.search.embedded_table import DocumentTable, WriteConflict, compact_if_due, failing_as, until_settled

Model = tuple[str, str, int]


def replace(documents: DocumentTable, studies: Sequence[StudyDocuments]) -> int:
    """Replaces studies in one commit; returns how many were written.

    Raises:
        IndexMismatch: the images are of another model, version or length than each other or than those held.
        StorageError: the index cannot be written.
    """
    wanted = {study.study.partition: study for study in studies}
    model = _model_in(list(wanted.values()))
    written: set[str] = set()
    until_settled(lambda: _replace(documents, wanted, model, written))
    return len(written)


def remove(documents: DocumentTable, studies: Sequence[StudyKey]) -> None:
    """Removes studies in one commit; writes nothing when none of them is there.

    Raises:
        StorageError: the index cannot be written.
    """
    until_settled(lambda: _remove(documents, any_of("study_key", [s.partition for s in studies])))


def model_of(table: Any) -> dict[str, Any]:
    """Which model's images are held: `model_id`, `model_version` and `dimensions`, or nothing without images."""
    query = table.search().where(f"kind = '{IMAGE}'").select(["model_id", "model_version", "vector"]).limit(1)
    for row in query.to_arrow().to_pylist():
        return {
            "model_id": row["model_id"],
            "model_version": row["model_version"],
            "dimensions": len(row["vector"]) // 4,
        }
    return {}


def _remove(documents: DocumentTable, condition: str) -> None:
    with documents.writing(create=False) as table:
        if table is not None and table.count_rows(condition):
            table.delete(condition)


def _replace(documents: DocumentTable, wanted: dict[str, StudyDocuments], model: Model | None, written: set[str]) -> None:
    """Writes what differs, and adds it to `written`, which outlives a conflict."""
    with documents.writing(create=any(s.images or s.reports for s in wanted.values())) as table:
        if table is None or not wanted:
            return
        if model is not None:
            _check_model(model, model_of(table))
        held = _held(table, list(wanted))
        changed = [s for s in wanted.values() if _is_changed(s, held.get(s.study.partition, {}))]
        if not changed:
            return
        _merge(table, changed)
        written.update(s.study.partition for s in changed)
        if not documents.is_local and _is_mixed(table, changed):
            raise WriteConflict("another process wrote the same studies to the search index")
        with suppress(WriteConflict), failing_as("compacted"):
            compact_if_due(table)


def _merge(table: Any, studies: Sequence[StudyDocuments]) -> None:
    held = _held(table, [s.study.partition for s in studies], live_only=False)
    rows: dict[str, dict[str, Any]] = {}
    for study in studies:
        name = study.study.partition
        rows |= {key: gone_row(key, name) for key in held.get(name, {})} | rows_of(study)
    merge = table.merge_insert("key").when_matched_update_all().when_not_matched_insert_all()
    merge.execute(table_of_rows(rows.values()))


def _held(table: Any, names: Sequence[str], live_only: bool = True) -> dict[str, dict[str, str | None]]:
    """Study → key → inputs of the rows held of these studies."""
    condition = any_of("study_key", names) + (f" AND kind != '{GONE}'" if live_only else "")
    found = table.search().where(condition).select(["study_key", "key", "inputs"]).limit(None).to_arrow()
    held: dict[str, dict[str, str | None]] = {}
    for row in found.to_pylist():
        held.setdefault(row["study_key"], {})[row["key"]] = row["inputs"]
    return held


def _is_changed(study: StudyDocuments, held: dict[str, str | None]) -> bool:
    if not (study.images or study.reports):
        return bool(held)
    return not study.inputs or set(held.values()) != {study.inputs}


def _is_mixed(table: Any, studies: Sequence[StudyDocuments]) -> bool:
    """Whether a study holds rows of two writers that replaced it at once, which only an object store allows."""
    held = _held(table, [s.study.partition for s in studies])
    return any(len(set(rows.values())) > 1 for rows in held.values())


def _model_in(studies: Sequence[StudyDocuments]) -> Model | None:
    images = [image for study in studies for image in study.images]
    models = {(i.model_id, i.model_version, len(i.vector)) for i in images}
    if len(models) > 1:
        raise IndexMismatch("the images are of more than one model, version or length of vector")
    if not all(len(i.vector) and np.isfinite(np.asarray(i.vector, np.float32)).all() for i in images):
        raise IndexMismatch("an image's vector is empty or not finite")
    return models.pop() if models else None


def _check_model(model: Model, held: dict[str, Any]) -> None:
    if held and model != (held["model_id"], held["model_version"], held["dimensions"]):
        raise IndexMismatch(
            f"the index holds vectors of {held['model_id']} {held['model_version']} ({held['dimensions']} dimensions), "
            f"not of {model[0]} {model[1]} ({model[2]} dimensions)"
        )
