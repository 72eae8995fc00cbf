"""The state of a deployment: counts of objects, pending work, the model, releases, automation and failed runs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from medsearch_core.errors import ConfigurationError
from medsearch_core.keys import StudyKey
from medsearch_core.records import TOMBSTONES
from medsearch_core.search.releases import ReleasedIndex
from medsearch_core.storage.ledger import totals_of
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.intake.inventory import studies_in
from medsearch_pipeline.intake.study_runs import failure_sentence
from medsearch_pipeline.ledger.current import CurrentLedger, current_ledger
from medsearch_pipeline.ledger.pending_reasons import (
    interrupted_keys,
    pending_reasons,
    pending_studies,
    with_pending_reasons,
)
from medsearch_pipeline.models.availability import known_availability
from medsearch_pipeline.orchestration.daemon import DaemonHealth, daemon_health
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.status.automation import Automation, read_automation

MAX_FAILED_RUNS = 5
MAX_NAMED = 3


@dataclass(frozen=True)
class PendingCount:
    """The objects and studies that are pending for one reason."""

    reason: str
    detail: str
    objects: int
    studies: int


@dataclass(frozen=True)
class UnindexedStudy:
    """A study that landed and is not indexed, and why, by object."""

    study: str
    reasons: Mapping[str, int]


@dataclass(frozen=True)
class FailedRun:
    """A run that failed, and why."""

    id: str
    job: str
    ended: datetime
    sentence: str


@dataclass(frozen=True, kw_only=True)
class ReleaseStatus:
    """A release of the search index."""

    name: str
    published: datetime | None
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class DeploymentStatus:
    """The state of a deployment.

    Attributes:
        objects: State → number of landed objects; empty before the landing store was scanned.
        unindexed: The first few studies that landed and are not indexed.
        model: The model's availability; a hint to check it if nobody has tried to load it.
        is_model_available: None if unknown.
        last_inventory, last_ledger: When their jobs last succeeded; None if they never did, or without Dagster's state.
        has_dagster: Whether Dagster's state could be read.
        daemon: The health of Dagster's daemon; None without Dagster's state.
    """

    objects: Mapping[str, int] = field(default_factory=dict)
    studies: int = 0
    indexed_studies: int = 0
    images: int = 0
    reports: int = 0
    pending: Sequence[PendingCount] = ()
    unindexed: Sequence[UnindexedStudy] = ()
    model: str = ""
    is_model_available: bool | None = None
    releases: Sequence[ReleaseStatus] = ()
    last_inventory: datetime | None = None
    last_ledger: datetime | None = None
    automation: Sequence[Automation] = ()
    failed_runs: Sequence[FailedRun] = ()
    has_dagster: bool = False
    daemon: DaemonHealth | None = None


def read_status(
    settings: Settings, warehouse: Warehouse, index: ReleasedIndex, instance: dg.DagsterInstance | None
) -> DeploymentStatus:
    """The current state of a deployment.

    Raises:
        StorageError: store or index cannot be read.
    """
    health, model = index.health(), known_availability(settings)
    try:
        ledger = current_ledger(settings, warehouse, index)
    except ConfigurationError:
        ledger = None
    rows = _with_reasons(settings, warehouse, instance, ledger) if ledger else None
    return DeploymentStatus(
        objects={total.state: total.objects for total in totals_of(ledger.rows).states} if ledger else {},
        studies=len(studies_in(_landed_rows(ledger))) if ledger else 0,
        indexed_studies=health.studies,
        images=health.images,
        reports=health.reports,
        pending=_count_pending(rows) if rows else (),
        unindexed=find_unindexed(rows)[:MAX_NAMED] if rows else (),
        model=model.sentence if model else f"{settings.model} was not loaded here recently: medsearch check tries it",
        is_model_available=model.is_available if model else None,
        releases=[
            ReleaseStatus(name=each.name, published=each.published, is_current=each.is_current) for each in index.releases()
        ],
        last_inventory=_last_materialization(instance, "inventory") if instance else None,
        last_ledger=_last_materialization(instance, "ledger") if instance else None,
        automation=read_automation(settings, instance) if instance else (),
        failed_runs=_read_failed_runs(instance) if instance else (),
        has_dagster=instance is not None,
        daemon=daemon_health(instance, os.environ["DAGSTER_HOME"]) if instance else None,
    )


def _landed_rows(ledger: CurrentLedger) -> pa.Table:
    return ledger.rows.filter(pc.invert(pc.is_in(ledger.rows["state"], pa.array(TOMBSTONES))))


def _with_reasons(
    settings: Settings, warehouse: Warehouse, instance: dg.DagsterInstance | None, ledger: CurrentLedger
) -> pa.Table:
    reasons = pending_reasons(settings, warehouse, instance, pending_studies(ledger.rows))
    return with_pending_reasons(ledger.rows, reasons, interrupted_keys(ledger.catalog))


def find_unindexed(rows: pa.Table) -> list[UnindexedStudy]:
    """The studies none of whose landed objects is indexed, sorted.

    Args:
        rows: The ledger's rows, with the reasons of pending ones.
    """
    indexed: set[StudyKey] = set()
    reasons: dict[StudyKey, Counter[str]] = {}
    for row in rows.select(["state", "reason", "patient", "study"]).to_pylist():
        if not row["study"] or row["state"] in TOMBSTONES:
            continue
        study = StudyKey(row["patient"], row["study"])
        if row["state"] == "indexed":
            indexed.add(study)
        reasons.setdefault(study, Counter())[": ".join(filter(None, (row["state"], row["reason"])))] += 1
    return [UnindexedStudy(str(study), dict(reasons[study])) for study in sorted(reasons.keys() - indexed)]


def _count_pending(rows: pa.Table) -> list[PendingCount]:
    waiting = rows.filter(pc.equal(rows["state"], "pending")).select(["reason", "detail", "patient", "study"]).to_pylist()
    objects: Counter[str] = Counter()
    studies: dict[str, set[tuple[str, str]]] = {}
    details: dict[str, str] = {}
    for row in waiting:
        reason = row["reason"] or "unknown"
        objects[reason] += 1
        studies.setdefault(reason, set()).add((row["patient"], row["study"]))
        details.setdefault(reason, row["detail"] or "")
    return [PendingCount(reason, details[reason], count, len(studies[reason])) for reason, count in objects.most_common()]


def _last_materialization(instance: dg.DagsterInstance, asset: str) -> datetime | None:
    event = instance.get_latest_materialization_event(dg.AssetKey(asset))
    return datetime.fromtimestamp(event.timestamp, UTC) if event else None


def _read_failed_runs(instance: dg.DagsterInstance) -> list[FailedRun]:
    failed = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])
    return [
        FailedRun(
            record.dagster_run.run_id,
            record.dagster_run.job_name,
            record.update_timestamp,
            failure_sentence(instance, record.dagster_run.run_id),
        )
        for record in instance.get_run_records(failed, limit=MAX_FAILED_RUNS)
    ]
