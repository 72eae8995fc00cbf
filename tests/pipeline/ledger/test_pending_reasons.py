"""Why a study is pending: by what the dispatcher has, the last run and the model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from dagster import DagsterRunStatus

from medsearch_core.keys import StudyKey
from medsearch_pipeline.intake.dispatch import PendingStudy, SettleLimits
from medsearch_pipeline.intake.study_runs import StudyRun
from medsearch_pipeline.ledger.pending_reasons import decide_reason, with_pending_reasons
from medsearch_pipeline.models.availability import Availability
from tests.support.ledger_fixtures import S1, S2, World, landed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIMITS = SettleLimits(timedelta(seconds=60), timedelta(seconds=900))
STUDY = StudyKey("p1", "s1")
FRESH, DUE = PendingStudy(STUDY, NOW, NOW), PendingStudy(STUDY, NOW - timedelta(hours=1), NOW - timedelta(hours=1))
NO_MODEL = Availability(False, "no weights")


def run(status: DagsterRunStatus) -> StudyRun:
    return StudyRun("r1", "ingest_job", status, "p1/s1", "p1/s1", NOW)


@pytest.mark.parametrize(
    ("row", "status", "model", "code", "run_id"),
    [
        (None, DagsterRunStatus.QUEUED, None, "queued", "r1"),
        (FRESH, DagsterRunStatus.STARTED, NO_MODEL, "processing", "r1"),
        (FRESH, DagsterRunStatus.FAILURE, None, "settling", None),
        (DUE, DagsterRunStatus.FAILURE, NO_MODEL, "waits for the model", None),
        (DUE, None, None, "queued", None),
        (None, None, None, "unknown", None),
        (None, DagsterRunStatus.FAILURE, NO_MODEL, "failed", "r1"),
        (None, DagsterRunStatus.CANCELED, None, "canceled", "r1"),
        (None, DagsterRunStatus.SUCCESS, None, "processed since", "r1"),
    ],
)
def test_the_reason_is_what_keeps_it_now(
    row: PendingStudy | None, status: DagsterRunStatus | None, model: Availability | None, code: str, run_id: str | None
) -> None:
    found = decide_reason(row, run(status) if status else None, LIMITS, NOW, model)
    assert (found.code, found.run) == (code, run_id)


def test_only_pending_rows_get_a_reason_and_an_interrupted_object_its_own() -> None:
    world = World()
    world.land(landed("a"), landed("b"), landed("c", S2), landed("d", None, reason="not_dicom"))
    world.ingest(S1, refused={"b": "truncated_pixel_data"})
    world.decide()
    reason = decide_reason(None, run(DagsterRunStatus.FAILURE), LIMITS, NOW, None)
    rows = {row["key"]: row for row in with_pending_reasons(world.ledger, {S2: reason}).to_pylist()}
    assert {key: (row["state"], row["reason"]) for key, row in rows.items()} == {
        "a": ("indexed", None),
        "b": ("rejected", "truncated_pixel_data"),
        "c": ("pending", "failed in run r1"),
        "d": ("rejected", "not_dicom"),
    }
    interrupted = with_pending_reasons(world.ledger, {S2: reason}, {"c"}).to_pylist()
    assert {row["key"]: row["reason"] for row in interrupted}["c"] == "interrupted"
