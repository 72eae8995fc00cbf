"""The events sensor as Dagster ticks it, over a real bucket, a real queue and a real journal."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import ValidationError

from medsearch_core.errors import BadMessage, ConfigurationError, StorageError
from medsearch_core.keys import StudyKey
from medsearch_core.records import CHANGES
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.intake import journal
from medsearch_pipeline.intake.events import queue
from medsearch_pipeline.intake.events.consumer import ConsumeResult
from medsearch_pipeline.resources import build_resources
from medsearch_pipeline.sensors.events_sensor import NO_DEAD_LETTERS, Tally, build_events_sensor, format_summary
from medsearch_pipeline.settings import Settings
from tests.pipeline.intake.conftest import PREFIX, Site
from tests.pipeline.intake.event_messages import record, records
from tests.pipeline.intake.faulty_queue import faulty
from tests.support.landing import REPORT, folder_of, image_bytes, land_study, sop_instance_uid
from tests.support.sentences import counts_of, figures

STUDIES = [StudyKey("p10000001", "s50000001"), StudyKey("p10000001", "s50000002"), StudyKey("p10000002", "s50000003")]
NOTHING = "no messages"


@pytest.fixture
def settings(site: Site, tmp_path: Path) -> Settings:
    return settings_of(site, tmp_path)


def settings_of(site: Site, home: Path, **others: Any) -> Settings:
    given = {
        "landing": f"s3://{site.bucket}/{PREFIX}",
        "warehouse": str(home / "warehouse"),
        "index": str(home / "index"),
        "s3_endpoint": site.endpoint,
        "s3_region": "us-east-1",
        "sqs_endpoint": site.endpoint,
        "events_queue": site.url,
    }
    return Settings(**{**given, **others})


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty queue is known to be empty at once: the tests' service is one server."""
    monkeypatch.setattr(queue, "WAIT_SECONDS", 0)


@cache
def instance() -> dg.DagsterInstance:
    """An instance for all ticks, which leave nothing in it."""
    return dg.DagsterInstance.ephemeral()


def counted(message: str) -> tuple[list[int], dict[str, int]]:
    """All figures of a tick's summary, and the changes it counts."""
    return figures(message), counts_of(CHANGES, message)


def tick(settings: Settings) -> str:
    """What the sensor says of one tick, in which it asks for no runs."""
    sensor = build_events_sensor(settings)
    assert sensor
    resources = build_resources(settings)
    needed = {name: resources[name] for name in ("landing", "warehouse")}
    with dg.build_sensor_context(instance=instance(), resources=needed) as context:
        done = sensor.evaluate_tick(context)
    assert not done.run_requests
    assert not done.dynamic_partitions_requests
    assert done.skip_message
    return done.skip_message


def journalled(settings: Settings) -> list[journal.Entry]:
    tables = Warehouse(open_store(settings.warehouse))
    return [journal.read(tables, name) for name in journal.names(tables)]


def image_key(study: StudyKey, number: int = 1) -> str:
    return f"{folder_of(study)}/{sop_instance_uid(study, number)}.dcm"


def test_what_lands_changes_and_goes_is_journalled_as_it_is_in_the_bucket(site: Site, settings: Settings) -> None:
    site.notify_queue()
    for study in STUDIES:
        land_study(site.landing, study)
    assert figures(tick(settings)) == [7, 6, 6, 3, 1], "messages, keys, added, studies, messages without keys"
    [entry] = journalled(settings)
    assert entry.studies == STUDIES
    assert {change.key: change.etag for change in entry.changes} == {info.key: info.etag for info in site.landing.list()}

    site.landing.write(image_key(STUDIES[0]), image_bytes(STUDIES[0], 7))
    site.landing.delete(image_key(STUDIES[1]))
    land_study(site.landing, STUDIES[2])  # the same bytes once more
    assert counted(tick(settings)) == ([4, 4, 1, 1, 2], {"replaced": 1, "removed": 1})
    assert journalled(settings)[1].studies == STUDIES[:2]
    assert tick(settings) == NOTHING
    assert len(journalled(settings)) == 2
    assert (site.waiting, site.held) == (0, 0)


def test_events_that_come_twice_and_in_the_wrong_order_change_nothing(site: Site, settings: Settings) -> None:
    land_study(site.landing, STUDIES[0], report=None)
    key = f"{PREFIX}/{image_key(STUDIES[0])}"
    gone = f"{PREFIX}/{image_key(STUDIES[1])}"
    site.send(
        records(record(key, "ObjectRemoved:Delete", bucket=site.bucket)),
        *[records(record(key, bucket=site.bucket))] * 2,
        records(record(gone, "ObjectRemoved:Delete", bucket=site.bucket), record(gone, bucket=site.bucket)),
    )
    assert counted(tick(settings)) == ([4, 2, 1, 1], {"added": 1})
    site.send(records(record(key, "ObjectRemoved:Delete", bucket=site.bucket)))
    assert counted(tick(settings)) == ([1, 1], {})
    assert len(journalled(settings)) == 1


def test_in_a_bucket_with_versions_a_delete_marker_removes_and_the_end_of_an_old_version_does_not(
    site: Site, settings: Settings
) -> None:
    s3, key = site.client("s3"), f"{PREFIX}/{image_key(STUDIES[0])}"
    s3.put_bucket_versioning(Bucket=site.bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=site.bucket, Key=key, Body=image_bytes(STUDIES[0], 1))["VersionId"]
    s3.put_object(Bucket=site.bucket, Key=key, Body=image_bytes(STUDIES[0], 2))
    site.send(records(record(key, bucket=site.bucket)))
    assert counted(tick(settings)) == ([1, 1, 1, 1], {"added": 1})
    s3.delete_object(Bucket=site.bucket, Key=key, VersionId=first)
    site.send(records(record(key, "ObjectRemoved:Delete", bucket=site.bucket)))
    assert counted(tick(settings)) == ([1, 1], {})
    s3.delete_object(Bucket=site.bucket, Key=key)
    site.send(records(record(key, "ObjectRemoved:DeleteMarkerCreated", bucket=site.bucket)))
    assert counted(tick(settings)) == ([1, 1, 1, 1], {"removed": 1})


def test_names_of_any_spelling_reach_the_journal(site: Site, settings: Settings) -> None:
    site.notify_queue()
    tick(settings)
    names = ["ward ü/100%25 a+b.txt", "ward ü/q?x=1&y.txt", "ward ü/q*'.txt"]
    for name in names:
        site.landing.write(name, REPORT.encode())
    assert counted(tick(settings)) == ([3, 3, 3], {"added": 3})
    assert sorted(change.key for change in journalled(settings)[0].changes) == sorted(names)


def test_what_cannot_be_read_or_asked_for_is_counted_and_the_rest_is_journalled(
    site: Site, settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    land_study(site.landing, STUDIES[0], report=None)
    keys = [image_key(STUDIES[0]), "folder/", "a//b"]
    site.send("PatientName=DOE^JANE", records(*(record(f"{PREFIX}/{key}", bucket=site.bucket) for key in keys)))
    message = tick(settings)
    assert figures(message) == [2, 3, 1, 1, 1, 2], "messages, keys, added, studies, unreadable messages, unaddressable keys"
    assert "(no_json)" in message
    logged = capfd.readouterr().err
    assert "no_json" in logged
    assert "'a//b'" in logged
    assert "DOE" not in logged


def test_a_queue_without_dead_letters_is_told_of_in_every_tick(site: Site, settings: Settings) -> None:
    site.client("sqs").set_queue_attributes(QueueUrl=site.url, Attributes={"RedrivePolicy": ""})
    assert tick(settings) == f"{NOTHING}; {NO_DEAD_LETTERS}"


def test_a_store_that_is_down_costs_no_message_one_of_its_deliveries(site: Site, tmp_path: Path) -> None:
    site.send(records(record(f"{PREFIX}/a", bucket=site.bucket)))
    with faulty(site.endpoint) as proxy:
        for down in ({"landing": "s3://no-such-bucket/landing"}, {"warehouse": "s3://no-such-bucket/warehouse"}):
            with pytest.raises(StorageError, match="cannot list s3://no-such-bucket"):
                tick(settings_of(site, tmp_path, sqs_endpoint=proxy.url, **down))
    assert "ReceiveMessage" not in proxy.asked
    assert (site.waiting, site.held) == (1, 0)


def test_a_journal_that_cannot_be_written_leaves_the_messages_for_the_next_tick(site: Site, settings: Settings) -> None:
    land_study(site.landing, STUDIES[0], report=None)
    site.send(records(record(f"{PREFIX}/{image_key(STUDIES[0])}", bucket=site.bucket)))
    warehouse = Path(settings.warehouse)
    warehouse.mkdir()
    (warehouse / "intake").write_bytes(b"a file where the journal's folder should be")
    with pytest.raises((StorageError, OSError)):
        tick(settings)
    assert (site.waiting, site.held) == (1, 0)
    (warehouse / "intake").unlink()
    assert tick(settings) == "1 message: 1 key looked at, 1 added in 1 study"


def test_a_tick_takes_no_more_messages_than_it_may(site: Site, tmp_path: Path) -> None:
    site.send(*(records(record(f"{PREFIX}/{n}", bucket=site.bucket)) for n in range(5)))
    settings = settings_of(site, tmp_path, events_per_tick=3)
    assert counted(tick(settings)) == ([3, 3], {})
    assert counted(tick(settings)) == ([2, 2], {})


def test_everything_that_can_happen_is_said_in_one_line() -> None:
    consumed = ConsumeResult(
        messages=31,
        keys=28,
        without_keys=3,
        unreadable={"1": BadMessage("no_json", "it is not JSON"), "2": BadMessage("no_key", "no key")},
        unseen={"3"},
        undeleted={"4": "InternalError"},
    )
    tally = Tally(Counter(added=20, replaced=1, removed=2, retagged=0), set(STUDIES), ["a//b"])
    message = format_summary(consumed, tally, has_dead_letters=True)
    assert figures(message) == [31, 28, 20, 1, 2, 3, 3, 2, 1, 1, 1]
    assert "(no_json, no_key)" in message
    assert message.count("; ") == 6, "one part for each outcome, the last that more may be waiting"
    drained = format_summary(ConsumeResult(messages=1, without_keys=1, is_drained=True), Tally(), True)
    assert (figures(drained), drained.count("; ")) == ([1, 1], 1)


def test_without_a_queue_there_is_no_such_sensor_and_with_one_it_waits_to_be_started_if_told_so(
    site: Site, tmp_path: Path
) -> None:
    assert build_events_sensor(settings_of(site, tmp_path, events_queue=None)) is None
    definitions = build_definitions(settings_of(site, tmp_path, sensors="stopped"))
    assert definitions.resolve_sensor_def("events_sensor").default_status == dg.DefaultSensorStatus.STOPPED
    started = build_events_sensor(settings_of(site, tmp_path))
    assert started
    assert started.default_status == dg.DefaultSensorStatus.RUNNING


@pytest.mark.parametrize(
    ("others", "advice"),
    [
        ({"events_queue": "arn:aws:sqs:us-east-1:111122223333:events"}, "give the queue's URL"),
        ({"events_queue": "https://sqs.us-east-1.amazonaws.com"}, "give the queue's URL"),
        ({"landing": "/data/landing"}, "events come from a bucket"),
    ],
)
def test_a_queue_that_cannot_be_the_landing_buckets_is_refused(
    site: Site, tmp_path: Path, others: dict[str, str], advice: str
) -> None:
    with pytest.raises(ValidationError, match=advice):
        settings_of(site, tmp_path, **others)


def test_a_queue_that_is_not_there_stops_the_tick_with_what_to_do(site: Site, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="MEDSEARCH_EVENTS_QUEUE"):
        tick(settings_of(site, tmp_path, events_queue=f"{site.url}-not"))
