"""The check that no event of Dagster's log contains patient data of the studies that its run processed.

Reads the newest finished runs, and compares them with a sample of their studies' rows and one header each (`identifiers`). The
standard output of processes is not in the event log and is not read.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import dagster as dg

from medsearch_core.keys import StudyKey
from medsearch_core.storage.object_store import ObjectStore
from medsearch_core.storage.warehouse import Warehouse, study_path
from medsearch_pipeline.checks.identifiers import COLUMNS, DICOM_KEYWORDS, Identifiers, texts_in, values_of
from medsearch_pipeline.checks.results import NAMED
from medsearch_pipeline.checks.sampling import sample
from medsearch_pipeline.ecs.step_tags import whole_step_tags
from medsearch_pipeline.intake.inventory import PATH, studies_in
from medsearch_pipeline.orchestration.partitions import Partitions
from medsearch_pipeline.resources import StoreResource, WarehouseResource
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.landed_objects import read_landed_header

CHECK = "events_hold_no_patient_data"
STUDIES = 16
EVENTS = 5_000
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass(frozen=True, kw_only=True)
class Leak:
    """An event that contains patient data: its run, its number in the log, and the columns or attributes; never the value."""

    run: str
    event: int
    names: Sequence[str]


def build_patient_data_check(settings: Settings) -> dg.AssetChecksDefinition:
    """The check of a deployment, a separate step beside `ledger`."""

    @dg.asset_check(
        asset="ledger",
        name=CHECK,
        description=f"No event of the newest {settings.event_check_runs} finished runs contains identifiers or report text of "
        f"{STUDIES} of its studies.",
        op_tags=whole_step_tags(settings),
    )
    def events_hold_no_patient_data(
        context: dg.AssetCheckExecutionContext, landing: StoreResource, warehouse: WarehouseResource
    ) -> dg.AssetCheckResult:
        instance, tables, store = context.instance, warehouse.tables(context.run.run_id), landing.open()
        runs = instance.get_runs(dg.RunsFilter(statuses=ENDED), limit=settings.event_check_runs)
        landed = cache(lambda: studies_in(tables.read(PATH)))  # what a run without partitions may have processed
        leaks: list[Leak] = []
        read = compared = 0
        for run in runs:
            events = instance.get_records_for_run(run.run_id, limit=EVENTS, ascending=False)
            studies = sample(studies_named(events.records) or landed(), STUDIES, run.run_id)
            identifiers = identifiers_of(tables, store, studies, days_of(events.records))
            leaks += leaks_in(run, events.records, identifiers)
            read, compared = read + len(events.records), compared + len(identifiers)
        return dg.AssetCheckResult(
            check_name=CHECK,
            passed=not leaks,
            severity=dg.AssetCheckSeverity.ERROR,
            description=f"{len(leaks)} events contain patient data: delete their runs, and fix the code that wrote them"
            if leaks
            else "no event contains the patient data searched for",
            metadata={
                "runs_read": len(runs),
                "events_read": read,
                "values_compared": compared,
                "events_with_patient_data": len(leaks),
                "events": dg.MetadataValue.json(
                    [{"run": leak.run, "event": leak.event, "columns": list(leak.names)} for leak in leaks[:NAMED]]
                ),
            },
        )

    return events_hold_no_patient_data


def leaks_in(run: dg.DagsterRun, records: Iterable[dg.EventLogRecord], identifiers: Identifiers) -> list[Leak]:
    """The events of a run, and its tags and configuration (as event 0), that contain an identifier."""
    found = [(0, identifiers.find_names(texts_in([dict(run.tags), dict(run.run_config)])))]
    for record in records:
        written = json.loads(dg.serialize_value(record.event_log_entry))
        found.append((record.storage_id, identifiers.find_names(texts_in(written))))
    return [Leak(run=run.run_id, event=event, names=sorted(names)) for event, names in found if names]


def studies_named(records: Iterable[dg.EventLogRecord]) -> list[StudyKey]:
    """The studies whose materializations are among the events."""
    named = {record.partition_key for record in records if record.partition_key and "/" in record.partition_key}
    return list(Partitions.of(sorted(named)).studies)


def days_of(records: Sequence[dg.EventLogRecord]) -> list[str]:
    """The dates of a run's events and the days around them, which reveal nothing about a patient."""
    days = {datetime.fromtimestamp(record.timestamp, UTC).date() for record in (*records[:1], *records[-1:])}
    around = {day + timedelta(days=offset) for day in days for offset in (-1, 0, 1)}
    return [spelt for day in sorted(around) for spelt in (day.isoformat(), day.strftime("%Y%m%d"))]


def identifiers_of(tables: Warehouse, landing: ObjectStore, studies: Iterable[StudyKey], days: Sequence[str]) -> Identifiers:
    """The values that must not be found: the studies' columns, their report text, and the names in one object's header."""
    images, reports = ([tables.read(study_path(t, s)).to_pylist() for s in studies] for t in ("dicom_metadata", "reports"))
    rows = [row for of in (*images, *reports) for row in of]
    keys = [name for row in rows for name in (row["key"], row["patient"], row["study"], row.get("image_id", ""))]
    identifiers = Identifiers([*days, *keys])
    for row in rows:
        for name, value in values_of(row, COLUMNS):
            identifiers.add(name, value)
        if row.get("text"):
            identifiers.add_report(row["text"])
    for of in images:
        for name, value in _header(landing, of[0]["key"]) if of else ():
            identifiers.add(name, value)
    return identifiers


def _header(landing: ObjectStore, key: str) -> list[tuple[str, str]]:
    """The attributes that only the header has; none if the object was deleted meanwhile."""
    header = read_landed_header(landing, key)
    return [(keyword, str(header[keyword].value)) for keyword in DICOM_KEYWORDS if keyword in header] if header else []
