"""Joining reports to studies: a report whose key names no study is matched by its file name or its folder.

Belongs here: the rule, and which reports must be matched again after a change. Not here: the kind of an object (`placement`),
and the other consequences of a change (`changes`).

A report belongs to the study whose StudyInstanceUID, StudyID (also as `s<StudyID>`) or AccessionNumber is its file name.
Otherwise its folder decides: among its folder and those above, the nearest with a DICOM object in it, at any depth. All of
these objects must belong to one study, and no other report may have the same nearest folder. In the root of the store, only
objects directly in it count, and only for reports directly in it: a store is not a study, even if it contains only one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedObject
from medsearch_core.storage.sql import query_tables
from medsearch_pipeline.intake.inventory import rows_of
from medsearch_pipeline.intake.placement import NO_STUDY, folder_of, needs_study, report_name, without_study
from medsearch_pipeline.settings.layout import Layout

_NAMES = "StudyInstanceUID, StudyID or AccessionNumber"
_IS_IMAGE = "kind = 'dicom' AND patient IS NOT NULL AND study IS NOT NULL"
_IS_REPORT = f"kind = 'report' OR reason = '{NO_STUDY}'"
_FOLDER = "left(key, length(key) - length(split_part(key, '/', -1)))"
_UPWARD = """
    CASE folder WHEN '' THEN [''] ELSE
        [array_to_string(string_split(folder, '/')[1:n], '/') || '/' FOR n IN range(1, len(string_split(folder, '/')))]
    END
"""
"""A folder and all folders above it, except the root."""


def _nearest(landed: str) -> str:
    """Common table expressions: `reports_…` with the folder of each report, and `nearest_…`: the nearest folder with images.

    `studies` is 1, or 2 for more than one; patient and study are set if it is 1.
    """
    return f"""
        reports_{landed} AS (SELECT key, {_FOLDER} AS folder FROM {landed} WHERE {_IS_REPORT}),
        upward_{landed} AS (SELECT folder, unnest({_UPWARD}) AS place FROM (SELECT DISTINCT folder FROM reports_{landed})),
        images_{landed} AS (SELECT DISTINCT {_FOLDER} AS folder, patient, study FROM {landed} WHERE {_IS_IMAGE}),
        held_{landed} AS (
            SELECT place, least(count(*), 2) AS studies,
                   CASE count(*) WHEN 1 THEN min(patient) END AS patient, CASE count(*) WHEN 1 THEN min(study) END AS study
            FROM (SELECT DISTINCT unnest({_UPWARD}) AS place, patient, study FROM images_{landed})
            WHERE place IN (SELECT place FROM upward_{landed}) GROUP BY place
        ), nearest_{landed} AS (
            SELECT folder, arg_max(h, length(h.place)) AS h
            FROM upward_{landed} JOIN held_{landed} h USING (place) GROUP BY folder
        )
    """  # noqa: S608


_DUE = f"""
    WITH {_nearest("before")}, {_nearest("landed")},
    moved AS (
        SELECT folder, b.h.place AS was, n.h.place AS place FROM nearest_before b FULL JOIN nearest_landed n USING (folder)
        WHERE b.h IS DISTINCT FROM n.h OR folder IN (SELECT folder FROM folders)
    ), affected AS (SELECT was AS place FROM moved UNION SELECT place FROM moved),
    asked AS (
        SELECT r.key, n.h AS h,
               $is_whole OR r.folder IN (SELECT folder FROM moved) OR r.folder IN (SELECT folder FROM folders)
               OR coalesce(n.h.place IN (SELECT place FROM affected WHERE place IS NOT NULL), false)
               OR split_part(r.key, '/', -1)[:-5] IN (SELECT name FROM names) AS is_due
        FROM reports_landed r LEFT JOIN nearest_landed n USING (folder)
    )
    SELECT key, is_due, h.place AS place, h.studies AS studies, h.patient AS patient, h.study AS study FROM asked
    WHERE is_due OR h.place IN (SELECT h.place FROM asked WHERE is_due)
"""  # noqa: S608

_NAMED = f"""
    SELECT name, count(DISTINCT (patient, study)) AS studies, min(patient) AS patient, min(study) AS study
    FROM (SELECT patient, study, unnest(report_names) AS name FROM landed WHERE {_IS_IMAGE})
    WHERE name IN (SELECT name FROM names) GROUP BY name
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidate studies of a name or folder: how many (2 for more than one), and which one if there is one.

    Args:
        place: the folder; None for a name.
        reports: how many reports share this folder.
    """

    studies: int = 0
    study: StudyKey | None = None
    place: str | None = None
    reports: int = 1


def join(item: LandedObject, named: Candidates, nearby: Candidates) -> LandedObject:
    """A report joined to its study, or with the reason why it has none.

    Args:
        named: the candidates by its name.
        nearby: the candidates by the nearest folder with images.
    """
    name, folder = report_name(item.key), folder_of(item.key) or "the root of the store"
    if named.studies > 1:
        return replace(item, detail=f"several studies have '{name}' as {_NAMES}")
    study = named.study or nearby.study
    missing = f"no study has '{name}' as {_NAMES}, and"
    if not named.study:
        if nearby.place is None:
            return replace(item, detail=f"{missing} there is no DICOM object in or below {folder}, or below a folder above it")
        if nearby.studies > 1:
            return replace(item, detail=f"{missing} {nearby.place or folder} contains several studies")
        if nearby.reports > 1:
            return replace(item, detail=f"{missing} {nearby.place or folder} contains several reports")
    if study is None:
        return item
    return replace(item, kind="report", patient=study.patient, study=study.study, reason=None, detail=None)


def rejoin_reports(
    before: pa.Table, landed: pa.Table, changed: Sequence[LandedObject], layout: Layout, *, is_whole: bool = False
) -> dict[str, LandedObject]:
    """Every report matched by name or folder that a change may affect, joined to its study or with the reason why not.

    Args:
        before: the known objects before the change.
        landed: the known objects after the change.
        changed: the rows that came, went or changed, both before and after.
        is_whole: decide all reports, not only those that `changed` may affect.
    """
    names = {name for item in changed if item.kind == "dicom" for name in item.report_names}
    folders = {folder_of(item.key) for item in changed if needs_study(item, layout)}
    names |= {report_name(item.key) for item in changed if needs_study(item, layout)}
    tables = {"before": before, "landed": landed, "names": _column("name", names), "folders": _column("folder", folders)}
    found = [
        row for row in query_tables(_DUE, {"is_whole": is_whole}, **tables).to_pylist() if layout.study_of(row["key"]) is None
    ]
    due = {row["key"]: row for row in found if row["is_due"]}
    if not due:
        return {}
    reports = Counter(row["place"] for row in found)
    named = {
        row["name"]: Candidates(row["studies"], _study(row))
        for row in query_tables(_NAMED, landed=landed, names=_column("name", map(report_name, due))).to_pylist()
    }

    def nearby(row: Mapping[str, Any]) -> Candidates:
        return Candidates(row["studies"] or 0, _study(row), row["place"], reports[row["place"]])

    return {
        key: join(without_study(item), named.get(report_name(key), Candidates()), nearby(due[key]))
        for key, item in rows_of(landed, due).items()
    }


def _study(row: Mapping[str, Any]) -> StudyKey | None:
    return StudyKey(row["patient"], row["study"]) if row["studies"] == 1 else None


def _column(name: str, values: Iterable[str]) -> pa.Table:
    return pa.table({name: pa.array(sorted(set(values)), pa.string())})
