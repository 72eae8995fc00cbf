"""What becomes of studies whose run failed: rules over runs and partitions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from dagster import DagsterRunStatus

from medsearch_pipeline.intake.failed_runs import judge_failed_runs
from medsearch_pipeline.intake.study_runs import StudyRun, newest_by_partition

KEYS = ["p1/s1", "p1/s2", "p1/s3", "p1/s4"]
NOW, OLD, NEW = datetime(2026, 1, 1, tzinfo=UTC), "digest before", "digest now"
FAILURE, SUCCESS, STARTED = DagsterRunStatus.FAILURE, DagsterRunStatus.SUCCESS, DagsterRunStatus.STARTED


def run(
    name: str, status: DagsterRunStatus, first: int, last: int, settings: str | None = OLD, writes_index: bool = True
) -> StudyRun:
    return StudyRun(name, "ingest_job", status, KEYS[first - 1], KEYS[last - 1], NOW + timedelta(1), settings, writes_index)


def judged(*runs: StudyRun, settings: str = NEW) -> tuple[list[str], dict[str, list[str]], list[str]]:
    """Runs, newest first: what is retried, what is held by which run, and which runs are resolved."""
    failed = [each for each in runs if each.status == FAILURE]
    found = judge_failed_runs(failed, newest_by_partition(runs, KEYS, KEYS), KEYS, settings)
    return list(found.retry), {each.id: list(keys) for each, keys in found.held.items()}, list(found.resolved)


def test_with_the_same_settings_its_studies_are_held_and_with_others_they_are_run_again() -> None:
    failed = run("a", FAILURE, 1, 2)
    assert judged(failed, settings=OLD) == ([], {"a": ["p1/s1", "p1/s2"]}, [])
    assert judged(failed, settings=NEW) == (["p1/s1", "p1/s2"], {}, ["a"])


def test_a_study_belongs_to_the_last_run_that_covered_it() -> None:
    later, failed = run("b", SUCCESS, 2, 3), run("a", FAILURE, 1, 3)
    assert judged(later, failed) == (["p1/s1"], {}, ["a"])
    assert judged(run("c", STARTED, 1, 1), later, failed) == ([], {}, ["a"])
    assert judged(run("c", FAILURE, 1, 3, NEW), failed) == ([], {"c": ["p1/s1", "p1/s2", "p1/s3"]}, ["a"])


def test_a_success_that_did_not_write_the_index_makes_up_for_nothing() -> None:
    pictures_alone, failed = run("b", SUCCESS, 1, 1, writes_index=False), run("a", FAILURE, 1, 1)
    assert judged(pictures_alone, failed) == (["p1/s1"], {}, ["a"])


def test_a_run_of_unknown_settings_is_held_and_one_whose_partitions_are_gone_is_resolved() -> None:
    assert judged(run("a", FAILURE, 4, 4, None)) == ([], {"a": ["p1/s4"]}, [])
    gone = StudyRun("g", "ingest_job", FAILURE, "p9/s9", "p9/s9", NOW, OLD)
    assert judged(gone) == ([], {}, ["g"])


def test_no_more_runs_are_read_than_it_takes() -> None:
    def runs() -> Iterator[StudyRun]:
        yield run("b", SUCCESS, 1, 4)
        raise AssertionError("read on")

    assert set(newest_by_partition(runs(), KEYS, KEYS)) == set(KEYS)
