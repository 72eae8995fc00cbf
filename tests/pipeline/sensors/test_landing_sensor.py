"""The landing sensor on both stores: part by part, by its cursor, and what it says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from medsearch_core.columns import records_of
from medsearch_core.errors import RemovalUnconfirmed
from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedObject
from medsearch_core.storage.object_store import ObjectStore
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.intake import journal
from medsearch_pipeline.intake.inventory import current_inventory
from medsearch_pipeline.resources import build_resources
from medsearch_pipeline.sensors import landing_sensor as module
from medsearch_pipeline.sensors.landing_sensor import build_landing_sensor
from medsearch_pipeline.settings import Settings
from tests.support.landing import image_bytes, land_study
from tests.support.sentences import figures

STUDIES = [StudyKey(f"p1000000{n}", f"s5000000{n}") for n in range(3)]


class Sensor:
    """A sensor and the cursor that Dagster would keep for it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.landing: ObjectStore = open_store(settings.landing, settings.s3)
        self.warehouse = Warehouse(open_store(settings.warehouse))
        self.cursor: str | None = None

    def tick(self) -> str:
        """One evaluation; returns what it says."""
        sensor = build_landing_sensor(self.settings)
        with dg.build_sensor_context(cursor=self.cursor, resources=build_resources(self.settings)) as context:
            result = sensor(context)
        assert isinstance(result, dg.SensorResult)
        assert not result.run_requests
        assert result.skip_reason
        self.cursor = result.cursor
        return str(result.skip_reason.skip_message)

    def known(self) -> dict[str, LandedObject]:
        return {o.key: o for o in records_of(LandedObject, current_inventory(self.warehouse))}


@pytest.fixture(params=["folder", "s3"])
def sensor(request: pytest.FixtureRequest, tmp_path: Path) -> Sensor:
    folders: dict[str, Any] = {"warehouse": str(tmp_path / "warehouse"), "index": str(tmp_path / "index")}
    if request.param == "folder":
        (tmp_path / "landing").mkdir()
        return Sensor(Settings(landing=str(tmp_path / "landing"), scan_objects_per_tick=4, **folders))
    bucket, endpoint = request.getfixturevalue("s3_bucket"), request.getfixturevalue("s3_endpoint")
    return Sensor(
        Settings(
            landing=f"s3://{bucket}/landing", s3_endpoint=endpoint, s3_region="us-east-1", scan_objects_per_tick=4, **folders
        )
    )


def test_a_store_is_looked_at_in_parts_and_every_tick_says_what_it_did(sensor: Sensor) -> None:
    assert figures(sensor.tick()) == [0, 1], "objects, ticks"
    for study in STUDIES:
        land_study(sensor.landing, study)
    keys = sorted(o.key for o in sensor.landing.list())
    assert figures(sensor.tick()) == [4, 4, 0, 0, 2], "objects, added, replaced, removed, studies"
    assert json.loads(sensor.cursor or "")["after"] == keys[3]
    message = sensor.tick()
    assert (figures(message), keys[3] in message) == ([2, 2, 0, 0, 1, 2], True)
    sensor.landing.delete(keys[1])
    sensor.landing.write(keys[0], image_bytes(STUDIES[0], 7))
    assert figures(sensor.tick()) == [4, 0, 1, 1, 1]
    message = sensor.tick()
    assert (figures(message), keys[4] in message) == ([1, 2], True)
    assert sensor.known().keys() == {*keys} - {keys[1]}
    assert len(journal.names(sensor.warehouse)) == 3


def test_the_cursor_of_another_store_or_version_begins_anew(sensor: Sensor) -> None:
    land_study(sensor.landing, STUDIES[0])
    for cursor in (
        "",
        "zzz",
        "[]",
        '{"version": 0}',
        '{"version": 1, "landing": "file:///elsewhere", "after": "zzz", "ticks": 9}',
    ):
        sensor.cursor = cursor
        assert figures(sensor.tick())[-1] == 1, "one tick from the beginning to the end"
    assert len(sensor.known()) == 2


def test_an_emptied_store_is_not_believed_wherever_the_cursor_stands(sensor: Sensor) -> None:
    for study in STUDIES:
        land_study(sensor.landing, study)
    for _ in range(3):
        sensor.tick()
    for key in [o.key for o in sensor.landing.list()]:
        sensor.landing.delete(key)
    with pytest.raises(RemovalUnconfirmed, match="6 of 6 known objects"):
        sensor.tick()
    sensor.cursor = None
    with pytest.raises(RemovalUnconfirmed, match=r"inventory_job.*confirm_removal"):
        sensor.tick()
    assert len(sensor.known()) == 6


def test_a_tick_that_runs_out_of_time_goes_on_where_it_stopped(sensor: Sensor, monkeypatch: pytest.MonkeyPatch) -> None:
    for study in STUDIES:
        land_study(sensor.landing, study)
    keys = sorted(o.key for o in sensor.landing.list())
    monkeypatch.setattr(module, "SECONDS_PER_TICK", -1.0)
    monkeypatch.setattr(module, "OBJECTS_PER_STEP", 3)
    assert figures(sensor.tick()) == [3, 3, 0, 0, 2]
    assert json.loads(sensor.cursor or "")["after"] == keys[2]
    message = sensor.tick()
    assert (figures(message)[:2], keys[2] in message) == ([3, 3], True)
    assert sorted(sensor.known()) == keys


def test_five_thousand_keys_are_each_found_once_while_others_come_and_go(
    tmp_path: Path, s3_bucket: str, s3_endpoint: str
) -> None:
    sensor = Sensor(
        Settings(
            landing=f"s3://{s3_bucket}/landing",
            s3_endpoint=s3_endpoint,
            s3_region="us-east-1",
            scan_objects_per_tick=900,
            warehouse=str(tmp_path / "warehouse"),
            index=str(tmp_path / "index"),
        )
    )
    keys = [f"files/p10/p{10_000_000 + n // 10}/s{50_000_000 + n}/1.dcm" for n in range(5000)]
    held = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]  # of the server that the sensor lists, without 5,000 requests to it
    for key in keys:
        held.put_object(s3_bucket, f"landing/{key}", b"x")
    for tick in range(6):
        sensor.tick()
        if tick == 1:
            sensor.landing.write(keys[0].replace("1.dcm", "0.dcm"), b"x")  # behind the cursor: found in the next lap
            sensor.landing.write(keys[-1].replace("1.dcm", "2.dcm"), b"x")
            sensor.landing.delete(keys[10])
            sensor.landing.delete(keys[4000])
    added = [c.key for c in changes(sensor.warehouse) if c.change == "added"]
    assert sorted(added) == sorted({*keys, keys[-1].replace("1.dcm", "2.dcm")} - {keys[4000]})
    assert json.loads(sensor.cursor or "")["after"] == ""
    for _ in range(6):
        sensor.tick()
    assert sensor.known().keys() == {o.key for o in sensor.landing.list()}
    assert [(c.change, c.key) for c in changes(sensor.warehouse)[len(added) :]] == [
        ("added", keys[0].replace("1.dcm", "0.dcm")),
        ("removed", keys[10]),
    ]


def changes(warehouse: Warehouse) -> list[journal.LandedChange]:
    return [change for name in journal.names(warehouse) for change in journal.read(warehouse, name).changes]
