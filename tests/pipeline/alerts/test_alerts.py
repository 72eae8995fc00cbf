"""Alerts: what is told of failures of real runs, to a real server, once each; and what is never told."""

import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange
from dagster._core.remote_origin import InProcessCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._utils.error import serializable_error_info_from_exc_info
from pydantic import SecretStr, ValidationError

from medsearch_core.errors import ConfigurationError, ObjectUnreadable
from medsearch_pipeline.alerts.alert import redact, safe_error_text
from medsearch_pipeline.alerts.failures import AlertCursor, Watch
from medsearch_pipeline.alerts.webhook import AlertNotDelivered, Webhook
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.sensors.alert_sensor import NAME, build_alert_sensor
from medsearch_pipeline.settings import Settings
from tests.support.ingest import local_instance, settings_in
from tests.support.sentences import figures

PATH = "/services/correct-horse"


@dataclass
class Receiver:
    """A webhook: answers with `statuses` in turn, then 200, and keeps what it took."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    tries: int = 0

    def kinds(self) -> list[tuple[str, str]]:
        """Kind and name of what was taken, which is then forgotten."""
        found = [(body["medsearch"]["kind"], body["medsearch"]["name"]) for body in self.taken]
        self.taken.clear()
        return found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            receiver.tries += 1
            status = receiver.statuses.pop(0) if receiver.statuses else 200
            if status < 300 and self.path == PATH:
                receiver.taken.append(body)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}{PATH}"
    yield receiver
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def instance(tmp_path: Path) -> dg.DagsterInstance:
    return local_instance(tmp_path / "dagster")


@dg.asset
def unreadable() -> None:
    raise ObjectUnreadable("cannot read p10000001/s50000001/1.2.826.0.1.99.dcm")


@dg.asset
def careless() -> None:
    raise ValueError("Doe^Jane is no number")


@dg.asset(freshness_policy=dg.FreshnessPolicy.time_window(timedelta(hours=1)))
def stale() -> None:
    """Nothing brings it up to date."""


@dg.asset(check_specs=[dg.AssetCheckSpec(name, asset="checked") for name in ("is_whole", "is_pretty")])
def checked() -> dg.MaterializeResult:
    return dg.MaterializeResult(
        check_results=[
            dg.AssetCheckResult(
                check_name="is_whole",
                passed=False,
                description="2 studies are at fault",
                metadata={"studies_at_fault": 2, "text": "p10000001/s50000001"},
            ),
            dg.AssetCheckResult(check_name="is_pretty", passed=False, severity=dg.AssetCheckSeverity.WARN),
        ]
    )


@dataclass
class Place:
    """Assets that fail, and the sensor that tells of it; its cursor is kept as the daemon keeps it."""

    settings: Settings
    instance: dg.DagsterInstance
    cursor: str | None = None

    def tick(self) -> str:
        """Evaluates the sensor as a process that was just started would; returns why it skipped."""
        sensor = build_alert_sensor(self.settings, backoff_seconds=(0, 0))
        assert sensor
        defs = dg.Definitions(assets=[unreadable, careless, stale, checked], sensors=[sensor])
        repository = defs.get_repository_def()
        with dg.build_sensor_context(self.instance, self.cursor, repository_def=repository, sensor_name=NAME) as context:
            data = sensor.evaluate_tick(context)
        self.cursor = data.cursor
        return str(data.skip_message)

    def run(self, asset: dg.AssetsDefinition) -> str:
        return dg.materialize([asset], instance=self.instance, raise_on_error=False).run_id


@pytest.fixture
def place(tmp_path: Path, instance: dg.DagsterInstance, receiver: Receiver) -> Place:
    settings = settings_in(tmp_path / "landing", tmp_path)
    told = {"dagster_url": "https://dagster.example/", "alert_webhook": SecretStr(receiver.url)}
    return Place(settings.model_copy(update=told), instance)


def test_each_failure_is_told_once_even_when_the_webhook_fails_first_and_the_process_starts_again(
    place: Place, receiver: Receiver
) -> None:
    place.run(careless)
    place.tick()
    assert receiver.taken == [], "a first look tells nothing of the past"
    ours, theirs, checks = (place.run(asset) for asset in (unreadable, careless, checked))

    receiver.statuses = [503, 429, 500]
    before = place.cursor
    with pytest.raises(AlertNotDelivered, match=r"status 500.*MEDSEARCH_ALERT_WEBHOOK") as failed:
        place.tick()
    assert (receiver.tries, receiver.taken, place.cursor) == (3, [], before)
    assert "correct-horse" not in str(failed.value)

    receiver.statuses = [500, 200, 404]
    assert figures(place.tick()) == [1, 404], "one alert delivered, and a status"
    assert figures(place.tick()) == [2]
    assert figures(place.tick()) == []
    run, other, check = receiver.taken
    sentence = run["medsearch"].pop("sentence")
    assert run["text"] == f"medsearch: {sentence} {run['medsearch']['link']}"
    assert "ObjectUnreadable: cannot read p10000001/s50000001/(UID).dcm" in sentence
    assert run["medsearch"] == {
        "id": f"run_failure/{ours}",
        "kind": "run_failure",
        "name": "__ephemeral_asset_job__",
        "run": ours,
        "link": f"https://dagster.example/runs/{ours}",
        "counts": {"failed_steps": 1},
    }
    assert other["medsearch"]["run"] == theirs
    assert other["medsearch"]["sentence"].endswith("careless: ValueError."), "of other errors the class alone"
    assert (
        check["medsearch"].items()
        >= {
            "kind": "check_failure",
            "name": "checked:is_whole",
            "run": checks,
            "counts": {"studies_at_fault": 2},
        }.items()
    )
    assert "2 studies are at fault" in check["medsearch"]["sentence"], "the check's description"
    assert "Jane" not in str(receiver.taken)


def test_a_run_that_dagster_starts_again_is_not_told(place: Place, receiver: Receiver) -> None:
    place.tick()
    place.instance.add_run_tags(place.run(careless), {"dagster/will_retry": "true"})
    place.tick()
    place.run(careless)
    place.tick()
    assert len(receiver.kinds()) == 1


def test_stale_assets_are_told_when_they_become_stale_and_again_after_they_were_fresh(place: Place, receiver: Receiver) -> None:
    def becomes(state: FreshnessState, at: float) -> None:
        place.instance._report_runless_asset_event(
            FreshnessStateChange(
                key=stale.key, new_state=state, previous_state=FreshnessState.UNKNOWN, state_change_timestamp=at
            )
        )

    place.tick()
    told = []
    for at, state in enumerate((FreshnessState.WARN, FreshnessState.FAIL, FreshnessState.PASS, FreshnessState.FAIL), start=1):
        becomes(state, float(at))
        place.tick()
        place.tick()
        told.append(receiver.kinds())
    assert told == [[], [("freshness_failure", "stale")], [], [("freshness_failure", "stale")]]


def test_a_sensor_that_fails_is_told_once_until_it_was_well_again(instance: dg.DagsterInstance) -> None:
    place = InProcessCodeLocationOrigin(LoadableTargetOrigin(python_file="x.py"), location_name="medsearch")
    repository = RemoteRepositoryOrigin(place, "__repository__")

    def ticked(name: str, status: TickStatus, at: float) -> None:
        origin = RemoteInstigatorOrigin(repository_origin=repository, instigator_name=name)
        state = InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING, SensorInstigatorData())
        if not instance.get_instigator_state(state.instigator_origin_id, state.selector_id):
            instance.add_instigator_state(state)
        error = None
        if status == TickStatus.FAILURE:
            try:
                raise ConfigurationError("there is no folder: mount it")
            except ConfigurationError:
                error = serializable_error_info_from_exc_info(sys.exc_info())
        data = TickData(
            state.instigator_origin_id, name, InstigatorType.SENSOR, status, at, selector_id=state.selector_id, error=error
        )
        instance.create_tick(data)

    watch = Watch(instance=instance, repository=repository, checks=[], assets=[], itself=NAME, url="http://localhost:3000")
    told, sentences = AlertCursor(), []
    for at, status in enumerate((TickStatus.FAILURE, TickStatus.FAILURE, TickStatus.SKIPPED, TickStatus.FAILURE), start=1):
        ticked("landing_sensor", status, float(at))
        ticked(NAME, status, float(at))
        alerts = []
        for alert, after in watch.pending_alerts(told):
            alerts += [alert] if alert else []
            told = after
        sentences.append([alert.sentence for alert in alerts])
    failing = ["the sensor landing_sensor fails: ConfigurationError: there is no folder: mount it."]
    assert sentences == [failing, [], [], failing]


def test_a_refusal_is_final_and_an_address_that_answers_nothing_is_an_error_without_it(receiver: Receiver) -> None:
    receiver.statuses = [403]
    with pytest.raises(AlertNotDelivered, match="status 403"):
        Webhook(receiver.url, 5, (0, 0)).post({})
    assert receiver.tries == 1
    with pytest.raises(AlertNotDelivered, match="ConnectError") as failed:
        Webhook("http://127.0.0.1:1/correct-horse", 5, (0,)).post({})
    assert "horse" not in str(failed.value)
    assert "horse" not in repr(Webhook(receiver.url, 5))


@pytest.mark.parametrize("address", ["http://hooks.example/x", "hooks.example/x", "ftp://127.0.0.1/x", "https://:1/x"])
def test_alerts_leave_this_machine_by_https_alone(address: str) -> None:
    with pytest.raises(ValidationError, match="give an https:// address") as failed:
        Settings(alert_webhook=SecretStr(address))
    assert address not in str(failed.value)


def test_there_is_no_sensor_without_a_webhook_and_the_address_is_nowhere_in_its_definition(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, tmp_path)
    assert NAME not in [sensor.name for sensor in build_definitions(settings).sensors or []]
    secret = "https://hooks.example/services/correct-horse"
    defs = build_definitions(settings.model_copy(update={"alert_webhook": SecretStr(secret), "sensors": "stopped"}))
    (sensor,) = (each for each in defs.sensors or [] if each.name == NAME)
    assert isinstance(sensor, dg.SensorDefinition)
    assert (sensor.name, sensor.default_status.value) == (NAME, "STOPPED")
    assert "correct-horse" not in repr(settings.model_copy(update={"alert_webhook": SecretStr(secret)}))


def test_what_is_told_is_one_short_line_without_uids_or_mentions() -> None:
    assert redact("a\n b 1.2.840.113 <!channel> @all 127.0.0.1") == "a b (UID) ‹!channel› ＠all 127.0.0.1"
    assert len(redact("x" * 1000)) == 400
    assert (
        safe_error_text("medsearch_core.errors.StorageError: cannot list it\n", "StorageError")
        == "StorageError: cannot list it"
    )
    assert safe_error_text("other.errors.StorageError: Doe", "StorageError") == "StorageError"
    assert safe_error_text("ValueError: Doe", "ValueError") == "ValueError"
