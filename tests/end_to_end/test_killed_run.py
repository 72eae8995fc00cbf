"""A run killed with no warning loses nothing: the next one completes it, and the content is that of a run never killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from medsearch_core.keys import StudyKey
from medsearch_core.search.embedded.index import open_embedded
from medsearch_core.storage.ledger import read_totals
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse, study_path
from tests.support.ingest import ingest, instance_in_memory, local_instance, settings_in, take_ledger
from tests.support.landing import land_study

STUDIES = [StudyKey("p10000001", f"s5000{n:04d}") for n in range(24)]


def content(home: Path) -> dict[str, Any]:
    """Key → the digest and the rows of a table, the bytes of a picture. The journal is left out: its names hold times."""
    warehouse = Warehouse(open_store(str(home / "warehouse")))

    def of(key: str) -> Any:
        if key == "inventory.parquet":  # whose digest names the secret of its warehouse
            return warehouse.read(key).to_pylist()
        if key.endswith(".parquet"):
            return warehouse.inputs(key), warehouse.read(key).to_pylist()
        return warehouse.store.read(key)

    return {o.key: of(o.key) for o in warehouse.store.list() if o.key != "pseudonym.key" and not o.key.startswith("intake/")}


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("landing")
    for study in STUDIES:
        land_study(open_store(str(folder)), study, images=2)
    return folder


@pytest.fixture(scope="module")
def undisturbed(landing: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("undisturbed")
    ingest(settings_in(landing, home), instance_in_memory())
    return content(home)


@pytest.mark.parametrize("table", ["thumbnails", "embeddings"])
def test_killed_while_a_table_is_half_written_and_run_again(
    landing: Path, undisturbed: dict[str, Any], tmp_path: Path, table: str
) -> None:
    written = tmp_path / "warehouse" / table
    run = subprocess.Popen(
        [sys.executable, "-m", "tests.support.ingest", str(landing), str(tmp_path)],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 900
    while len(list(written.rglob("*.parquet"))) < 5 and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    half = len(list(written.rglob("*.parquet")))
    assert 5 <= half < len(STUDIES), "the run was not killed in the middle"

    settings = settings_in(landing, tmp_path)
    second = ingest(settings, local_instance(tmp_path / "dagster"))
    assert second.success
    assert content(tmp_path) == undisturbed
    warehouse = Warehouse(open_store(settings.warehouse))
    runs = [warehouse.run_of(study_path(table, study)) for study in STUDIES]
    (killed,) = set(runs) - {second.run_id}
    assert killed is not None, "what the killed run finished does not name it"
    assert len(STUDIES) - runs.count(second.run_id) in (half - 1, half), "the study that was being written may be done again"
    assert all(c.passed for c in take_ledger(settings, local_instance(tmp_path / "dagster")).get_asset_check_evaluations())
    totals = read_totals(warehouse)
    assert totals
    assert (totals.landed, totals.of("indexed").objects, totals.of("indexed").images) == (72, 72, 48)
    health = open_embedded(settings.index).health()
    assert (health.images, health.reports, health.studies) == (48, 24, 24)
