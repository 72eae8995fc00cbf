"""Why a study is pending: it is settling, queued, in a run, or its run failed.

Belongs here: the decision by study and object, and reading its inputs: the dispatcher's state, Dagster's runs and the model's
availability.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from medsearch_core.errors import ObjectNotFound
from medsearch_core.keys import StudyKey
from medsearch_core.storage.sql import query_tables
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.intake import journal, pending
from medsearch_pipeline.intake.dispatch import PendingStudy, SettleLimits, merge_entries
from medsearch_pipeline.intake.study_runs import StudyRun, failure_sentence, newest_by_partition, newest_runs
from medsearch_pipeline.ledger.states import OUTCOMES
from medsearch_pipeline.models.availability import Availability, known_availability
from medsearch_pipeline.orchestration.partitions import NAME
from medsearch_pipeline.settings import Settings

Code = Literal[
    "settling", "waits for the model", "queued", "processing", "interrupted", "failed", "canceled", "processed since", "unknown"
]
INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class PendingReason:
    """Why a study or one of its objects is pending.

    Attributes:
        run: The run that the reason refers to.
        detail: What failed or is awaited, in one sentence.
    """

    code: Code
    run: str | None = None
    detail: str = ""

    @property
    def label(self) -> str:
        """The reason in a few words, the same for all studies that share it."""
        return f"{self.code} in run {self.run}" if self.run else self.code


def decide_reason(
    row: PendingStudy | None, run: StudyRun | None, limits: SettleLimits, now: datetime, model: Availability | None
) -> PendingReason:
    """Why a study is pending.

    Args:
        row: The dispatcher's entry of the study; None once its run was found, or if no change was noticed.
        run: The last run that covered it.
        model: Availability of the model; None if nobody has tried to load it.
    """
    if run and run.is_unfinished:
        has_begun = run.status in (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)
        return PendingReason("processing" if has_begun else "queued", run.id)
    if row and not limits.is_due(row, now):
        return PendingReason("settling", detail=f"it changed at {row.last:%Y-%m-%d %H:%M:%S} UTC")
    if row and model and not model.is_available:
        return PendingReason("waits for the model", detail=model.sentence)
    if row:
        return PendingReason("queued", detail="ingest_sensor requests its run")
    if run is None:
        return PendingReason("unknown", detail="no run has covered it: run medsearch ingest")
    if run.status == dg.DagsterRunStatus.FAILURE:
        return PendingReason("failed", run.id)
    if run.status == dg.DagsterRunStatus.CANCELED:
        return PendingReason("canceled", run.id, "medsearch ingest runs it again")
    return PendingReason("processed since", run.id, "ledger_job brings the ledger up to date")


def pending_reasons(
    settings: Settings, warehouse: Warehouse, instance: dg.DagsterInstance | None, studies: Collection[StudyKey]
) -> dict[StudyKey, PendingReason]:
    """Why each of these studies is pending.

    Args:
        instance: Dagster's state; None if unknown, so that no run can be named.
    """
    rows, runs = dispatcher_rows(warehouse), newest_runs_of(instance, studies)
    limits = SettleLimits(timedelta(seconds=settings.settle_seconds), timedelta(seconds=settings.max_wait_seconds))
    now, model = datetime.now(UTC), known_availability(settings)
    sentences: dict[str, str] = {}
    found = {}
    for study in studies:
        reason = decide_reason(rows.get(study), runs.get(study.partition), limits, now, model)
        if instance and reason.code == "failed" and reason.run:
            if reason.run not in sentences:
                sentences[reason.run] = failure_sentence(instance, reason.run)
            reason = PendingReason(reason.code, reason.run, sentences[reason.run])
        elif instance is None and reason.code == "unknown":
            reason = PendingReason("unknown", detail="set DAGSTER_HOME to see runs")
        found[study] = reason
    return found


def dispatcher_rows(warehouse: Warehouse) -> Mapping[StudyKey, PendingStudy]:
    """The dispatcher's pending studies, with the journal's changes since its last tick."""
    state = pending.read(warehouse) or pending.State()
    entries = []
    for name in journal.names(warehouse):
        if name not in state.taken:
            try:
                entries.append(journal.read(warehouse, name))
            except ObjectNotFound:
                continue  # compacted since it was listed
    return {row.study: row for row in merge_entries(state.rows, entries)}


def newest_runs_of(instance: dg.DagsterInstance | None, studies: Collection[StudyKey]) -> Mapping[str, StudyRun]:
    """Partition → the last run that covered it."""
    if instance is None or not studies:
        return {}
    keys = instance.get_dynamic_partitions(NAME)
    return newest_by_partition(newest_runs(instance), keys, {study.partition for study in studies})


def interrupted_keys(catalog: pa.Table) -> set[str]:
    """The objects whose decoding was interrupted; their studies are processed again."""
    query = f"SELECT key FROM ({OUTCOMES}) WHERE reason = '{INTERRUPTED}'"  # noqa: S608
    return set(query_tables(query, catalogue=catalog)["key"].to_pylist())


def pending_studies(rows: pa.Table) -> list[StudyKey]:
    """The studies with a pending object, sorted."""
    waiting = rows.filter(pc.equal(rows["state"], "pending"))
    pairs = zip(waiting["patient"].to_pylist(), waiting["study"].to_pylist(), strict=True)
    return sorted({StudyKey(patient, study) for patient, study in pairs if patient and study})


def with_pending_reasons(
    rows: pa.Table, reasons: Mapping[StudyKey, PendingReason], interrupted: Collection[str] = ()
) -> pa.Table:
    """The ledger's rows, with reason and detail for pending ones."""
    labels, details = [], []
    for row in rows.select(["state", "patient", "study", "key", "reason", "detail"]).to_pylist():
        reason, detail = row["reason"], row["detail"]
        if row["state"] == "pending" and row["key"] in interrupted:
            reason, detail = INTERRUPTED, "its decoding was interrupted; its study is processed again after each ledger"
        elif row["state"] == "pending" and row["patient"]:
            found = reasons.get(StudyKey(row["patient"], row["study"]))
            reason, detail = (found.label, found.detail or None) if found else (None, None)
        labels.append(reason)
        details.append(detail)
    for name, values in (("reason", labels), ("detail", details)):
        place = rows.schema.get_field_index(name)
        rows = rows.set_column(place, rows.schema.field(place), pa.array(values, pa.string()))
    return rows
