"""Upkeep: reads the state of studies, and plans runs for stale ones. `staleness` decides which are stale."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from medsearch_core.errors import StorageError
from medsearch_core.keys import StudyKey
from medsearch_core.search.index import SearchIndex
from medsearch_core.storage.warehouse import LEDGER_PATH, Warehouse
from medsearch_pipeline.intake.dispatch import MAX_GAP, ranges
from medsearch_pipeline.intake.inventory import require_inventory
from medsearch_pipeline.jobs import UPKEEP_JOBS
from medsearch_pipeline.ledger.catalog import read_catalog
from medsearch_pipeline.models.code_version import code_version_of, recorded_models
from medsearch_pipeline.orchestration.partition_spans import places_in
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.embeddings import vector_inputs_digest
from medsearch_pipeline.studies.images import image_digest_for
from medsearch_pipeline.studies.reports import report_digest_for
from medsearch_pipeline.upkeep.staleness import Staleness, StalenessInputs, StaleStudy, determine_staleness

IN_RUN, WORKED_ON = "in run", "processed since this ledger by run"
RUNS_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """A run to request.

    Args:
        start, end: its first and last partition, both stale.
        last: the position of the last one in Dagster's list of partitions.
        partitions: number of partitions from start to end.
        studies: number of stale studies among them.
        assets: to materialize: all assets of the job, without `search_index` if the index would reject the documents.
    """

    job: str
    assets: Sequence[str]
    start: str
    end: str
    last: int
    partitions: int
    studies: int


@dataclass(frozen=True)
class PlanCursor:
    """Progress of the requests for one ledger: the job, and the position of the last partition requested for it."""

    job: str
    last: int


def assess_staleness(settings: Settings, warehouse: Warehouse, index: SearchIndex) -> tuple[StalenessInputs, Staleness]:
    """Which studies are stale, by the last catalog and the current index.

    Raises:
        ConfigurationError: there is no inventory or no catalog yet.
        StorageError: store or index cannot be read.
    """
    inputs = _read_inputs(settings, warehouse, index)
    return inputs, determine_staleness(inputs, image_digest_for(settings), report_digest_for(settings), vector_inputs_digest)


def plan_runs(
    staleness: Staleness,
    keys: Sequence[str],
    in_flight: Iterable[tuple[str, str]],
    *,
    max_partitions: int,
    may_index: bool,
    after: PlanCursor | None = None,
) -> Iterator[PlannedRun]:
    """The runs that refresh stale studies, job by job, in partition order.

    Args:
        keys: every partition, in Dagster's order. A study without one is skipped.
        in_flight: first and last partition of every run that is unfinished or ran since the ledger began, and of studies
            pending in the dispatcher; the partitions these cover are skipped.
        max_partitions: per run.
        may_index: whether the index accepts the current model's vectors; otherwise runs do not write to it.
        after: where requests for the same ledger stopped.
    """
    places = {key: place for place, key in enumerate(keys)}
    taken = {place for span in places_in(in_flight, places) for place in span}
    safe = {places[study.partition] for study in staleness.current if study.partition in places} - taken
    stale_places: dict[str, list[int]] = {job: [] for job in UPKEEP_JOBS}
    for each in staleness.stale:
        place = places.get(each.study.partition)
        if each.job and place is not None and place not in taken:
            stale_places[each.job].append(place)
    jobs = list(UPKEEP_JOBS)
    for job in jobs[jobs.index(after.job) :] if after else jobs:
        due = sorted(place for place in stale_places[job] if not (after and after.job == job and place <= after.last))
        assets = [asset for asset in UPKEEP_JOBS[job] if may_index or asset != "search_index"]
        stale = set(due)
        for group in _groups_of_adjacent(due, safe) if assets else ():
            for span in ranges(group, MAX_GAP, max_partitions):
                yield PlannedRun(
                    job=job,
                    assets=assets,
                    start=keys[span[0]],
                    end=keys[span[-1]],
                    last=span[-1],
                    partitions=len(span),
                    studies=len(stale.intersection(span)),
                )


def explain_unplanned(
    staleness: Staleness,
    keys: Sequence[str],
    *,
    pending: Collection[StudyKey],
    running: Mapping[str, tuple[str, str]],
    ended: Mapping[str, tuple[str, str]],
    may_index: bool,
) -> list[str]:
    """Why no run is planned for some stale studies, as phrases with counts; each study has one reason.

    Args:
        keys: every partition, in Dagster's order.
        pending: studies pending in the dispatcher.
        running: run → its first and last partition, for unfinished runs.
        ended: likewise, for runs that ended since the ledger began.
        may_index: see `plan_runs`.
    """
    places = {key: place for place, key in enumerate(keys)}
    spans = [
        (what, run, span) for what, runs in ((IN_RUN, running), (WORKED_ON, ended)) for run, at in runs.items()
        for span in places_in([at], places)
    ]  # fmt: skip

    def reason(each: StaleStudy) -> tuple[str, str]:
        place = places.get(each.study.partition)
        if not each.job:
            return "that no job refreshes: see medsearch stale", ""
        if place is None:
            return "without a partition: launch inventory_job", ""
        if each.study in pending:
            return "waiting for ingest_sensor", ""
        found = next(((what, run) for what, run, span in spans if place in span), None)
        if found is None and each.job == "reindex_job" and not may_index:
            return "waiting for medsearch reindex", ""
        return found or ("", "")

    counts: dict[str, int] = {}
    runs: dict[str, dict[str, None]] = {}
    for what, run in map(reason, staleness.stale):
        counts[what] = counts.get(what, 0) + 1
        runs.setdefault(what, {})[run] = None
    return [f"{count} {what}{_format_runs(list(runs[what]))}" for what, count in counts.items() if what]


def _format_runs(runs: Sequence[str]) -> str:
    named = ", ".join(run[:8] for run in runs[:RUNS_NAMED] if run)
    more = f" and {len(runs) - RUNS_NAMED} more" if len(runs) > RUNS_NAMED else ""
    return f" {named}{more}" if named else ""


def format_summary(staleness: Staleness) -> str:
    """The number of stale studies by reason, in one sentence."""
    if not staleness.stale:
        return f"all {len(staleness.current)} studies are up to date"
    why = ", ".join(f"{count} {part}: {reason}" for (part, reason), count in staleness.by_reason.items())
    return f"{len(staleness.stale)} of {len(staleness.stale) + len(staleness.current)} studies are stale ({why})"


def _groups_of_adjacent(places: Iterable[int], safe: Collection[int]) -> Iterator[list[int]]:
    """Sorted positions, grouped so that no run includes a blocked partition or too large a gap."""
    group: list[int] = []
    for place in places:
        if group and not (place - group[-1] - 1 <= MAX_GAP and all(p in safe for p in range(group[-1] + 1, place))):
            yield group
            group = []
        group.append(place)
    if group:
        yield group


def _read_inputs(settings: Settings, warehouse: Warehouse, index: SearchIndex) -> StalenessInputs:
    health, models = index.health(), recorded_models(warehouse)
    return StalenessInputs(
        inventory=require_inventory(warehouse),
        catalog=read_catalog(warehouse),
        ledger=_ledger(warehouse),
        indexed=index.studies(),
        index_model=(health.model_id, health.model_version) if health.model_id and health.model_version else None,
        index_release=health.release,
        model=models.get(code_version_of(settings.model, settings.weights)),
        models=list(models.values()),
    )


def _ledger(warehouse: Warehouse) -> pa.Table:
    try:
        return warehouse.read(LEDGER_PATH)
    except pa.ArrowException as error:
        raise StorageError(f"{LEDGER_PATH} cannot be read: run ledger_job, which says what to do") from error
