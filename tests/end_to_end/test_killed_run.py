"""A run killed with no warning loses nothing: the next one completes it, and the bytes are those of a run never killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medsearch_core.keys import StudyKey
from medsearch_core.search.embedded.index import open_embedded
from medsearch_core.storage.object_store import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.accounting import account_of
from tests.ingest import ingest, local_instance, settings_in
from tests.landing import land_study

STUDIES = [StudyKey("p10000001", f"s5000{n:04d}") for n in range(24)]


def warehouse_bytes(home: Path) -> dict[str, bytes]:
    store = open_store(str(home / "warehouse"))
    return {o.key: store.read(o.key) for o in store.list() if o.key != "pseudonym.key"}


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("landing")
    for study in STUDIES:
        land_study(open_store(str(folder)), study, images=2)
    return folder


@pytest.fixture(scope="module")
def undisturbed(landing: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    home = tmp_path_factory.mktemp("undisturbed")
    ingest(settings_in(landing, home), local_instance(home / "dagster"))
    return warehouse_bytes(home)


@pytest.mark.parametrize("table", ["thumbnails", "embeddings"])
def test_killed_while_a_table_is_half_written_and_run_again(
    landing: Path, undisturbed: dict[str, bytes], tmp_path: Path, table: str
) -> None:
    written = tmp_path / "warehouse" / table
    run = subprocess.Popen(
        [sys.executable, "-m", "tests.ingest", str(landing), str(tmp_path)], stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 180
    while len(list(written.rglob("*.parquet"))) < 5 and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    half = len(list(written.rglob("*.parquet")))
    assert 5 <= half < len(STUDIES), "the run was not killed in the middle"

    settings = settings_in(landing, tmp_path)
    assert ingest(settings, local_instance(tmp_path / "dagster")).success
    assert warehouse_bytes(tmp_path) == undisturbed
    account = account_of(Warehouse(open_store(settings.warehouse)))
    assert (account.images, account.used_reports, account.unaccounted) == (48, 24, [])
    health = open_embedded(settings.index).health()
    assert (health.images, health.reports, health.studies) == (48, 24, 24)
