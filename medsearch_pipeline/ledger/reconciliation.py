"""Whether listing, ledger, Parquet and index agree, and which objects they differ about.

Belongs here: the comparison. Not here: deciding states (`states`). Pending objects are not a difference. Lost objects are: an
object without a state, or documents that are missing from the index or do not match their study's tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from medsearch_core.batched import batched
from medsearch_core.keys import StudyKey
from medsearch_core.records import TOMBSTONES
from medsearch_core.search.query import Filters
from medsearch_core.search.results import Counts, IndexHealth
from medsearch_core.storage.ledger import totals_of
from medsearch_core.storage.sql import query_tables
from medsearch_pipeline.ledger.states import indexed_table

NAMED = 50
PATIENTS_AT_ONCE = 256

_NOW = "now AS (SELECT * FROM ledger WHERE state NOT IN $tombstones)"

_UNRECORDED = f"""
    WITH {_NOW}, recorded AS (SELECT key, min(etag) AS etag, count(*) AS times FROM now GROUP BY key)
    SELECT DISTINCT coalesce(o.key, r.key) AS key FROM inventory o FULL JOIN recorded r USING (key)
    WHERE o.key IS NULL OR r.key IS NULL OR o.etag != r.etag OR r.times > 1 ORDER BY key
"""  # noqa: S608

_UNACCOUNTED = "SELECT key FROM ledger WHERE state = 'unaccounted' ORDER BY key"

_WITH_DOCUMENTS = """
    SELECT patient, study, documents, images, reports FROM studies WHERE documents IS NOT NULL AND images + reports > 0
"""

_UNINDEXED = f"""
    WITH held AS ({_WITH_DOCUMENTS})
    SELECT patient, study FROM held FULL JOIN indexed USING (patient, study)
    WHERE held.documents IS DISTINCT FROM indexed.inputs ORDER BY patient, study
"""  # noqa: S608

_MISCOUNTED = f"""
    WITH {_NOW}, held AS ({_WITH_DOCUMENTS}),
    used AS (
        SELECT patient, study, sum(images) AS images, count(*) FILTER (kind = 'report') AS reports
        FROM now WHERE state = 'indexed' GROUP BY patient, study
    )
    SELECT patient, study FROM used LEFT JOIN held USING (patient, study)
    WHERE used.images > coalesce(held.images, 0) OR used.reports > coalesce(held.reports, 0) ORDER BY patient, study
"""  # noqa: S608

_SUMS = f"SELECT sum(images)::BIGINT AS images, sum(reports)::BIGINT AS reports, count(*) AS studies FROM ({_WITH_DOCUMENTS})"  # noqa: S608

_KEYS = f"""
    WITH {_NOW}
    SELECT DISTINCT coalesce(now.key, s.patient || '/' || s.study) AS key
    FROM differing s LEFT JOIN now USING (patient, study) ORDER BY key
"""  # noqa: S608


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What does not reconcile, in one sentence with the remedy, and the keys of its objects (or of studies without one)."""

    message: str
    keys: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    """All totals side by side, and all differences.

    Args:
        totals: what is counted → where → count.
    """

    totals: Mapping[str, Mapping[str, int]]
    differences: Sequence[Difference]

    @property
    def keys(self) -> list[str]:
        """The keys that differ, each once, sorted."""
        return sorted({key for difference in self.differences for key in difference.keys})


@dataclass(frozen=True, kw_only=True)
class ReconciliationInputs:
    """The inputs of the comparison.

    Args:
        studies: what the tables hold (`LedgerInputs.studies`).
        indexed: study → the digest its documents were written with.
        health: the index's totals.
        count: the index's own count, queried only where totals differ and no study explains it.
    """

    inventory: pa.Table
    ledger: pa.Table
    studies: pa.Table
    indexed: Mapping[StudyKey, str]
    health: IndexHealth
    count: Callable[[Filters], Counts]


def reconcile(inputs: ReconciliationInputs) -> Reconciliation:
    """Compares listing and ledger object by object, ledger, Parquet and index study by study, and all totals."""
    tables = {
        "inventory": inputs.inventory,
        "ledger": inputs.ledger,
        "studies": inputs.studies,
        "indexed": indexed_table(inputs.indexed),
    }
    document_sums = query_tables(_SUMS, studies=inputs.studies).to_pylist()[0]
    health, totals = inputs.health, totals_of(inputs.ledger)
    indexed = totals.of("indexed")
    found = [
        Difference(message=_unrecorded_message(len(keys)), keys=keys) if (keys := _query_keys(_UNRECORDED, tables)) else None,
        Difference(message=_unaccounted_message(len(keys)), keys=keys) if (keys := _query_keys(_UNACCOUNTED, tables)) else None,
        _study_difference("whose documents in the index do not match their tables: materialize them", _UNINDEXED, tables),
        _study_difference("for which the ledger counts more than their tables hold: run ledger_job again", _MISCOUNTED, tables),
    ]
    differences = [difference for difference in found if difference]
    parquet = {
        "images": document_sums["images"] or 0,
        "reports": document_sums["reports"] or 0,
        "studies": document_sums["studies"],
    }
    if not differences and (health.images, health.reports) != (parquet["images"], parquet["reports"]):
        differences.append(_index_count_difference(inputs, tables))
    return Reconciliation(
        totals={
            "objects": {"listing": len(inputs.inventory), "ledger": totals.landed},
            **{total.state: {"ledger": total.objects} for total in totals.states},
            "images": {"ledger": indexed.images, "parquet": parquet["images"], "index": health.images},
            "reports": {"ledger": indexed.reports, "parquet": parquet["reports"], "index": health.reports},
            "studies": {"parquet": parquet["studies"], "index": health.studies},
        },
        differences=differences,
    )


def unrecorded(inventory: pa.Table, ledger: pa.Table) -> list[str]:
    """The keys whose listed version is not in the ledger, or the other way around."""
    return _query_keys(_UNRECORDED, {"inventory": inventory, "ledger": ledger})


def _query_keys(query: str, tables: Mapping[str, pa.Table]) -> list[str]:
    named = {name: tables[name] for name in tables if name in query}
    keys: list[str] = query_tables(query, {"tombstones": list(TOMBSTONES)} if "$tombstones" in query else None, **named)[
        "key"
    ].to_pylist()
    return keys


def _unrecorded_message(count: int) -> str:
    return f"{count} objects differ between listing and ledger: run ledger_job again"


def _unaccounted_message(count: int) -> str:
    return (
        f"{count} objects are in no table and not rejected, although their studies were made from them: delete these "
        "studies' files from dicom_metadata and reports, and materialize them"
    )


def _study_difference(message: str, query: str, tables: Mapping[str, pa.Table]) -> Difference | None:
    named = {name: tables[name] for name in tables if name in query}
    differing = query_tables(query, {"tombstones": list(TOMBSTONES)} if "$tombstones" in query else None, **named)
    if not differing.num_rows:
        return None
    return Difference(message=f"{differing.num_rows} studies {message}", keys=_keys_of(differing, tables))


def _keys_of(differing: pa.Table, tables: Mapping[str, pa.Table]) -> list[str]:
    return _query_keys(_KEYS, {"differing": differing, "ledger": tables["ledger"]})


def _index_count_difference(inputs: ReconciliationInputs, tables: Mapping[str, pa.Table]) -> Difference:
    studies = list(_find_miscounted_studies(inputs))
    differing = indexed_table(dict.fromkeys(studies, "")).select(["patient", "study"])
    return Difference(
        message="the index's counts of images or reports differ from its studies' tables: run medsearch reindex --fresh",
        keys=_keys_of(differing, tables),
    )


def _find_miscounted_studies(inputs: ReconciliationInputs) -> Iterator[StudyKey]:
    """Studies whose counts differ between index and tables, searched patient by patient until `NAMED` are found."""
    expected: dict[str, dict[StudyKey, Counts]] = {}
    for row in query_tables(_WITH_DOCUMENTS, studies=inputs.studies).to_pylist():
        study = StudyKey(row["patient"], row["study"])
        expected.setdefault(study.patient, {})[study] = Counts(images=row["images"], reports=row["reports"])
    found = 0
    for patients in batched(expected, PATIENTS_AT_ONCE):
        if _counts_match(inputs, patients, expected):
            continue
        for patient in patients:
            if _counts_match(inputs, [patient], expected):
                continue
            for study, counts in expected[patient].items():
                if inputs.count(Filters(patients=(study.patient,), studies=(study.study,))) != counts:
                    yield study
                    found += 1
        if found >= NAMED:
            return


def _counts_match(
    inputs: ReconciliationInputs, patients: Sequence[str], expected: Mapping[str, Mapping[StudyKey, Counts]]
) -> bool:
    counts = [each for patient in patients for each in expected[patient].values()]
    total = Counts(images=sum(c.images for c in counts), reports=sum(c.reports for c in counts))
    return inputs.count(Filters(patients=tuple(patients))) == total
