"""The table of jobs: what follows from a row of it."""

from __future__ import annotations

import pytest

from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.jobs import JOBS, STUDY_ASSETS, UPKEEP_JOBS, Job, smallest_job
from medsearch_pipeline.settings import Settings
from tests.support.paths import PROJECT_ROOT


def test_every_job_of_the_table_is_there_with_its_assets_and_its_schedule() -> None:
    definitions = build_definitions(Settings(sensors="running"))
    repository = definitions.get_repository_def()
    for job in JOBS:
        built = definitions.resolve_job_def(job.name)
        selected = {key.to_user_string() for key in built.asset_layer.selected_asset_keys}
        assert (built.description, selected) == (job.description, set(job.assets))
    crons = {schedule.name: (schedule.job_name, schedule.cron_schedule) for schedule in repository.schedule_defs}
    assert crons == {job.schedule: (job.name, getattr(Settings(), job.cron)) for job in JOBS if job.cron}
    assert {job.name for job in repository.get_all_jobs() if not job.name.startswith("__")} == {job.name for job in JOBS}


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_every_job_is_in_the_table_of_the_documentation(job: Job) -> None:
    page = (PROJECT_ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert page.count(f"| `{job.name}` | {job.description} |") == 1


def test_the_smallest_job_covers_what_is_asked_for_and_the_least_beside_it() -> None:
    assert smallest_job(STUDY_ASSETS) == "ingest_job"
    for asset in STUDY_ASSETS:
        smallest = smallest_job([asset])
        sizes = [len(assets) for assets in UPKEEP_JOBS.values() if asset in assets]
        assert asset in UPKEEP_JOBS[smallest]
        assert len(UPKEEP_JOBS[smallest]) == min(sizes)
    assert smallest_job(["embeddings", "report_entities"]) == "ingest_job"


def test_jobs_that_upkeep_may_request_are_over_study_assets_alone() -> None:
    assert {"inventory_job", "ledger_job", "compact_catalog_job", "prune_job"}.isdisjoint(UPKEEP_JOBS)
