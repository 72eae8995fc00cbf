"""What `up` says about runs, with real ones."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from medsearch_pipeline.orchestration.run_tags import range_tags
from medsearch_pipeline.supervision.run_news import SHORT_ID, RunNews

KEYS = ["p1/s1", "p1/s2", "p1/s3"]


@dg.op
def work(context: dg.OpExecutionContext) -> None:
    if context.run.tags.get("fails"):
        raise dg.Failure("patient Doe^Jane")


@dg.job
def ingest_job() -> None:
    work()


@pytest.fixture
def instance(tmp_path: Path) -> dg.DagsterInstance:
    return dg.DagsterInstance.local_temp(str(tmp_path))


def run(instance: dg.DagsterInstance, tags: dict[str, str]) -> str:
    return ingest_job.execute_in_process(instance=instance, tags=tags, raise_on_error=False).run_id[:SHORT_ID]


def test_each_beginning_and_each_end_is_told_once(instance: dg.DagsterInstance) -> None:
    news = RunNews(instance, datetime.now(UTC))
    assert list(news.lines()) == []
    done, failed = run(instance, range_tags("p1/s1", "p1/s3", 2)), run(instance, {"dagster/partition": "p1/s2", "fails": "1"})
    told = [line.partition("  ")[2] for line in news.lines()]
    assert [line.partition(" of ingest_job ")[0] for line in told] == [f"run {each}" for each in (done, done, failed, failed)]
    begun, succeeded, begun_alone, failure = told
    assert begun.endswith(": 2 studies")
    assert succeeded.endswith(": 2 studies")
    assert begun_alone.endswith(": 1 study")
    assert "Jane" not in failure
    assert list(news.lines()) == []


def test_runs_over_no_study_and_runs_of_before_are_not_told(instance: dg.DagsterInstance) -> None:
    run(instance, range_tags("p1/s1", "p1/s2", 2))
    news = RunNews(instance, datetime.now(UTC) + timedelta(seconds=1))
    run(instance, {})
    assert list(news.lines()) == []
