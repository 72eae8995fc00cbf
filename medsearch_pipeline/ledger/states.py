"""The ledger's decision: the state of every landed object, from the inventory, the tables and the index.

Belongs here: pure rules over tables in memory, in SQL where there are many rows. Not here: reading and writing them
(`assets/ledger.py`), and whether the parts agree with each other (`reconciliation`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from medsearch_core.columns import schema_of
from medsearch_core.keys import StudyKey
from medsearch_core.records import EXCLUSIONS, TOMBSTONES, LedgerEntry
from medsearch_core.storage.sql import query_tables
from medsearch_core.storage.warehouse import Origin, present_version
from medsearch_pipeline.ledger.catalog import COLUMNS, IMAGE_REJECTIONS, REPORT_REJECTIONS
from medsearch_pipeline.studies.documents import TABLES, document_inputs_digest
from medsearch_pipeline.studies.landed_objects import SHARED

InputsDigest = Callable[[Sequence[str]], str]
"""The digest of a study's table that is made from objects of these versions."""

OLD_PARTS = {
    "has_old_images": ("thumbnails", IMAGE_REJECTIONS),
    "has_old_metadata": ("dicom_metadata",),
    "has_old_vectors": ("embeddings",),
    "has_old_reports": ("reports", "report_entities", REPORT_REJECTIONS),
}
"""Part of a study, by the column of `STUDIES` that says whether it is outdated → the tables whose versions say so."""

STUDIES = pa.schema(
    [
        ("patient", pa.string()),
        ("study", pa.string()),
        ("images_inputs", pa.string()),
        ("reports_inputs", pa.string()),
        ("vectors_inputs", pa.string()),
        ("documents", pa.string()),
        ("images", pa.int64()),
        ("reports", pa.int64()),
        *((name, pa.bool_()) for name in OLD_PARTS),
    ]
)
"""What the tables hold of each study: the digests that its images and reports were made from (null if their files are
incomplete or inconsistent), the digest of its vectors, the digest of its documents (null if the study is incomplete), the
numbers of images and reports, and which parts have an earlier table version than is written now."""

_DIGESTS = ", ".join(
    f"max(inputs) FILTER (table_name = '{table}') AS {name}"
    for table, name in {
        **{table: table for table in COLUMNS if "/" not in table},
        IMAGE_REJECTIONS: "image_rejections",
        REPORT_REJECTIONS: "report_rejections",
    }.items()
)
_COUNTS = ", ".join(f"max(rows) FILTER (table_name = '{table}') AS rows_of_{table}" for table in TABLES)
_VERSIONS = ", ".join(f"max(version) FILTER (table_name = '{table}') AS version_of_{table}" for table in TABLES)


def _is_old(tables: Sequence[str]) -> str:
    return " OR ".join(f"(table_name = '{table}' AND version < {present_version(table)})" for table in tables)


_OLD = ", ".join(f"coalesce(bool_or({_is_old(tables)}), false) AS {name}" for name, tables in OLD_PARTS.items())

_STUDIES = f"""
    WITH files AS (
        SELECT patient, study, {_DIGESTS}, count(*) FILTER (table_name = 'tags' AND inputs IS NULL) AS unreadable_tags,
               {_COUNTS}, {_VERSIONS}, {_OLD}
        FROM catalogue GROUP BY patient, study
    ), halves AS (
        SELECT *, coalesce(thumbnails = dicom_metadata AND image_rejections = dicom_metadata, false) AS has_images,
               coalesce(report_entities = reports AND report_rejections = reports, false) AS has_reports
        FROM files
    )
    SELECT patient, study, embeddings AS vectors_inputs, coalesce(tags, '') AS tags,
           CASE WHEN has_images THEN dicom_metadata END AS images_inputs,
           CASE WHEN has_reports THEN reports END AS reports_inputs,
           has_images AND has_reports AND coalesce(rows_of_embeddings = rows_of_dicom_metadata, false)
               AND embeddings IS NOT NULL AND unreadable_tags = 0 AS is_whole,
           coalesce(rows_of_dicom_metadata, 0) AS images, coalesce(rows_of_reports, 0) AS reports,
           {", ".join(f"version_of_{table}" for table in TABLES)}, {", ".join(OLD_PARTS)}
    FROM halves ORDER BY patient, study
"""  # noqa: S608

_LANDED = f"""
    WITH versions AS (
        SELECT patient, study, kind, key || ' ' || coalesce(version, etag) || ' ' || bytes
               || CASE WHEN is_study_shared AND kind = 'report' THEN '{SHARED}' ELSE '' END AS version
        FROM inventory WHERE patient IS NOT NULL AND study IS NOT NULL
    )
    SELECT patient, study,
           coalesce(list(version) FILTER (kind = 'dicom'), []) AS dicom,
           coalesce(list(version) FILTER (kind = 'report'), []) AS reports
    FROM versions GROUP BY patient, study
"""  # noqa: S608

OUTCOMES = """
    SELECT patient, study, table_name, run, outcome.key AS key, outcome.sha256 AS sha256, outcome.images AS images,
           outcome.frame AS frame, outcome.reason AS reason, outcome.detail AS detail
    FROM (SELECT patient, study, table_name, run, unnest(outcomes) AS outcome FROM catalogue)
"""
"""A query of the catalog: one row per landed object that a study's tables used or rejected, as a whole or by frame."""

_ENTRIES = f"""
    WITH outcomes AS ({OUTCOMES}),
    used AS (
        SELECT patient, study, key, any_value(sha256) AS sha256, sum(images) AS images, any_value(run) AS run,
               any_value(detail) AS not_read
        FROM outcomes WHERE reason IS NULL GROUP BY patient, study, key
    ), refused AS (
        SELECT patient, study, key, arg_min(reason, coalesce(frame, 0)) AS reason,
               arg_min(detail, coalesce(frame, 0)) AS detail, count(frame) AS frames, any_value(run) AS run
        FROM outcomes WHERE reason IS NOT NULL GROUP BY patient, study, key
    ), seen AS (
        SELECT o.*, used.key IS NOT NULL AS is_used, refused.key IS NOT NULL AS is_refused,
               o.reason IS NULL AND (due.inputs IS NULL OR due.inputs IS DISTINCT FROM
                   CASE o.kind WHEN 'dicom' THEN s.images_inputs ELSE s.reports_inputs END) AS is_due,
               s.documents IS NOT NULL AND s.documents = indexed.inputs AS is_indexed,
               used.sha256, used.images, used.run AS used_run, used.not_read,
               refused.reason AS refusal, refused.detail AS refusal_detail, refused.frames, refused.run AS refused_run
        FROM inventory o
        LEFT JOIN due USING (patient, study, kind)
        LEFT JOIN studies s USING (patient, study)
        LEFT JOIN indexed USING (patient, study)
        LEFT JOIN used USING (patient, study, key)
        LEFT JOIN refused USING (patient, study, key)
    ), judged AS (
        SELECT *,
               reason IS NOT NULL OR is_due OR (is_used AND NOT is_indexed) AS is_by_inventory,
               CASE WHEN reason IS NOT NULL THEN 'rejected' WHEN is_due THEN 'pending'
                    WHEN is_used THEN CASE WHEN is_indexed THEN 'indexed' ELSE 'pending' END
                    WHEN is_refused THEN 'rejected' ELSE 'unaccounted' END AS verdict,
        FROM seen
    ), reasoned AS (
        SELECT * EXCLUDE (reason, detail),
               CASE WHEN verdict = 'rejected' THEN coalesce(reason, refusal) END AS reason,
               CASE WHEN verdict = 'rejected' THEN coalesce(detail, refusal_detail) WHEN NOT is_due THEN not_read END AS detail,
               CASE WHEN verdict = 'rejected' AND coalesce(reason, refusal) IN $exclusions THEN 'excluded'
                    ELSE verdict END AS state,
               NOT is_due AND verdict != 'unaccounted' AS has_outcome
        FROM judged
    ), was AS (SELECT * FROM before WHERE state NOT IN $tombstones),
    landed AS (
        SELECT r.key, r.bytes, r.etag, r.version, r.kind, r.patient, r.study, r.state, r.reason, r.detail,
               CASE WHEN has_outcome THEN r.sha256 END AS sha256,
               CASE WHEN has_outcome THEN coalesce(r.images, 0) ELSE 0 END AS images,
               CASE WHEN has_outcome THEN coalesce(r.frames, 0) ELSE 0 END AS refused_frames,
               CASE WHEN NOT is_by_inventory THEN coalesce(used_run, refused_run)
                    WHEN coalesce(was.version, was.etag) = coalesce(r.version, r.etag) AND was.bytes = r.bytes
                         AND was.state = r.state AND was.reason IS NOT DISTINCT FROM r.reason THEN was.run
                    ELSE $run END AS run
        FROM reasoned r LEFT JOIN was USING (key)
    ), passed AS (
        SELECT n.key, arg_max(n, n.at) AS n, any_value(now.key) AS now_key FROM noticed n LEFT JOIN landed now USING (key)
        WHERE now.key IS NULL OR ((now.etag, now.bytes) IS DISTINCT FROM (n.etag, n.bytes) AND
              (coalesce(now.version, now.etag), now.bytes) IS DISTINCT FROM (coalesce(n.version, n.etag), n.bytes))
        GROUP BY n.key
    ), came_and_went AS (
        SELECT p.key, p.n.bytes, p.n.etag, p.n.version, p.n.kind, p.n.patient, p.n.study,
               CASE WHEN p.now_key IS NULL THEN 'deleted' ELSE 'superseded' END AS state, NULL AS reason, NULL AS detail,
               b.sha256, coalesce(b.images, 0) AS images, coalesce(b.refused_frames, 0) AS refused_frames,
               CASE WHEN b.state IN $tombstones THEN b.run ELSE $run END AS run
        FROM passed p LEFT JOIN before b
            ON b.key = p.key AND (coalesce(b.version, b.etag), b.bytes) = (coalesce(p.n.version, p.n.etag), p.n.bytes)
    ), ended AS (
        SELECT * FROM came_and_went
        UNION ALL BY NAME
        SELECT was.* REPLACE (
                   CASE WHEN now.key IS NULL THEN 'deleted' ELSE 'superseded' END AS state,
                   NULL AS reason, NULL AS detail, $run AS run)
        FROM was LEFT JOIN landed now USING (key)
        WHERE key NOT IN (SELECT key FROM passed) AND (now.key IS NULL OR
              (coalesce(now.version, now.etag), now.bytes) IS DISTINCT FROM (coalesce(was.version, was.etag), was.bytes))
    ), tombstones AS (
        SELECT * FROM ended
        UNION ALL BY NAME
        SELECT * FROM before WHERE state IN $tombstones AND key NOT IN (SELECT key FROM ended)
    )
    SELECT * FROM landed
    UNION ALL BY NAME
    SELECT t.* FROM tombstones t LEFT JOIN landed now USING (key)
    WHERE (coalesce(now.version, now.etag), now.bytes) IS DISTINCT FROM (coalesce(t.version, t.etag), t.bytes)
      AND NOT coalesce(t.state = 'superseded' AND now.sha256 = t.sha256, false)
    ORDER BY patient NULLS FIRST, study NULLS FIRST, key, state IN $tombstones, etag
"""  # noqa: S608

_REJECTIONS = f"""
    WITH outcomes AS ({OUTCOMES}), now AS (SELECT * FROM ledger WHERE state NOT IN $tombstones)
    SELECT o.key, o.frame, now.state, o.reason, o.detail FROM outcomes o JOIN now USING (patient, study, key)
    WHERE o.reason IS NOT NULL AND now.state IN ('indexed', 'rejected', 'excluded') AND now.kind != 'rejected'
    UNION ALL SELECT key, NULL, state, reason, detail FROM now WHERE kind = 'rejected'
    ORDER BY key, frame NULLS FIRST
"""  # noqa: S608


@dataclass(frozen=True, kw_only=True)
class LedgerInputs:
    """The inputs of the ledger's decision.

    Args:
        indexed: study → the digest its documents were indexed with.
        run: of the inventory, if it names one.
        before: the last ledger; empty before the first.
        noticed: the changes of journal entries that no ledger has taken yet, in order, in the schema of `LandedChange`. All
            of them are in the inventory.
    """

    inventory: pa.Table
    run: str | None
    catalog: pa.Table
    indexed: Mapping[StudyKey, str]
    before: pa.Table
    noticed: pa.Table

    @cached_property
    def studies(self) -> pa.Table:
        """What the tables hold of each study."""
        return studies_in(self.catalog)


def studies_in(catalog: pa.Table) -> pa.Table:
    """What the tables hold of each study, in the schema `STUDIES`."""
    found = query_tables(_STUDIES, catalogue=catalog)
    documents = [_documents(row) if row["is_whole"] else None for row in found.to_pylist()]
    with_documents = found.append_column("documents", pa.array(documents, pa.string()))
    return with_documents.select(STUDIES.names).cast(STUDIES)


def _documents(row: Mapping[str, Any]) -> str:
    inputs = dict(zip(TABLES, (row["images_inputs"], row["vectors_inputs"], row["reports_inputs"]), strict=True))
    digests = {table: Origin(inputs[table], row[f"version_of_{table}"]).digest for table in TABLES}
    return document_inputs_digest(digests, row["tags"])


def indexed_table(indexed: Mapping[StudyKey, str]) -> pa.Table:
    """The index's content as a table: patient, study and inputs."""
    columns = [[s.patient for s in indexed], [s.study for s in indexed], list(indexed.values())]
    return pa.table([pa.array(c, pa.string()) for c in columns], names=["patient", "study", "inputs"])


def decide_states(inputs: LedgerInputs, image_inputs_digest: InputsDigest, report_inputs_digest: InputsDigest) -> pa.Table:
    """One row per landed object and one tombstone per replaced or deleted version, in the schema of `LedgerEntry`, by study
    and key.

    An object counts as used or rejected only if its study's table was made from exactly the objects that are landed now, and
    as indexed only if the index holds the documents of exactly the current tables. The decision is idempotent: with its result
    as `before` and the same inputs, the rows are the same, and a state that only the inventory decides keeps the run that
    first found it. A tombstone records the last known version of its key, seen by the last ledger or only by the journal. It
    is removed when its version lands again, or proves to have the same bytes as its replacement.
    """
    due = expected_digests(inputs.inventory, {"dicom": image_inputs_digest, "report": report_inputs_digest})
    entries = query_tables(
        _ENTRIES,
        {"exclusions": list(EXCLUSIONS), "tombstones": list(TOMBSTONES), "run": inputs.run},
        inventory=inputs.inventory,
        catalogue=inputs.catalog,
        studies=inputs.studies,
        indexed=indexed_table(inputs.indexed),
        before=inputs.before,
        noticed=inputs.noticed.append_column("at", pa.array(range(len(inputs.noticed)), pa.int64())),
        due=due,
    )
    schema = schema_of(LedgerEntry)
    return entries.select(schema.names).cast(schema)


def current_rejections(ledger: pa.Table, catalog: pa.Table) -> pa.Table:
    """Key, frame, state, reason and detail of every object or frame that was rejected or excluded in its landed version."""
    return query_tables(_REJECTIONS, {"tombstones": list(TOMBSTONES)}, ledger=ledger, catalogue=catalog)


def expected_digests(inventory: pa.Table, inputs_digests: Mapping[str, InputsDigest]) -> pa.Table:
    """The digests that each study's images and reports must have for the landed objects: patient, study, kind, inputs."""
    landed = query_tables(_LANDED, inventory=inventory)

    def column(kind: str, versions: Iterable[Sequence[str]]) -> pa.Table:
        inputs = pa.array([inputs_digests[kind](each) for each in versions], pa.string())
        kinds = pa.repeat(pa.scalar(kind, pa.string()), len(inputs))
        return pa.table([landed["patient"], landed["study"], kinds, inputs], names=["patient", "study", "kind", "inputs"])

    return pa.concat_tables([column("dicom", landed["dicom"].to_pylist()), column("report", landed["reports"].to_pylist())])
