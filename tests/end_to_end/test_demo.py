"""`make demo` as a user lives it: a real webserver, daemon, backfill and service; again; and Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from medsearch_core.keys import StudyKey
from medsearch_core.storage.ledger import read_totals
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.jobs import STUDY_ASSETS
from medsearch_pipeline.supervision.dagster_client import DagsterClient
from tests.support.landing import land_study, sop_instance_uid

PATIENTS = 4
MEDSEARCH = Path(sys.executable).with_name("medsearch")
READY = "Ctrl-C stops everything"


class Demo:
    """A demo running in a process of its own, its output read as it comes."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._output = (home.parent / "output.txt").open("w+")
        command = [str(MEDSEARCH), "demo", "--home", str(home), "--patients", str(PATIENTS)]
        self.process = subprocess.Popen(
            command,
            env=os.environ | {"MEDSEARCH_MAX_PARTITIONS_PER_RUN": "16"},
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def output(self) -> str:
        return Path(self._output.name).read_text()

    def wait_until_ready(self, seconds: float = 1800) -> None:
        deadline = time.monotonic() + seconds
        while READY not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.2)

    def address(self, name: str) -> str:
        found = re.search(rf"{name}\s+(http://\S+)", self.output)
        assert found, self.output
        return found[1]

    def servers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(300)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "home"


@pytest.fixture(scope="module")
def first(home: Path) -> Iterator[Demo]:
    demo = Demo(home)
    yield demo
    if demo.process.poll() is None:
        demo.interrupt()


def test_it_ingests_everything_by_a_backfill_and_says_what_it_used(first: Demo) -> None:
    first.wait_until_ready()
    assert "Weights: efficientnet_lite0 with its imagenet weights" in " ".join(first.output.split())
    assert re.search(r"Backfill \w+: \d+ studies", first.output)
    assert "+ 0 pending" in " ".join(first.output.split())
    assert "+ 0 unaccounted for" in " ".join(first.output.split())
    assert "rejected as" in first.output
    totals = read_totals(Warehouse(open_store(str(first.home / "warehouse"))))
    assert totals
    indexed = totals.of("indexed")
    assert totals.of("unaccounted").objects == totals.of("pending").objects == 0
    assert totals.of("rejected").objects + totals.of("excluded").objects >= 8
    query = "{ index { images reports modelId } ledger { objects } }"
    served = httpx.post(f"{first.address('GraphQL')}", json={"query": query}).json()
    assert served == {
        "data": {
            "index": {"images": indexed.images, "reports": indexed.reports, "modelId": "efficientnet_lite0-imagenet"},
            "ledger": {"objects": totals.landed},
        }
    }


def test_the_backfill_succeeded_in_dagsters_own_words(first: Demo) -> None:
    first.wait_until_ready()
    dagster = first.address("Dagster").removesuffix("/asset-groups")
    query = "{ partitionBackfillsOrError { ... on PartitionBackfills { results { status numPartitions isAssetBackfill } } } }"
    deadline = time.monotonic() + 900
    while True:
        answer = httpx.post(f"{dagster}/graphql", json={"query": query}, timeout=300).json()["data"]
        (backfill,) = answer["partitionBackfillsOrError"]["results"]
        if backfill["status"] != "REQUESTED" or time.monotonic() > deadline:
            break
        time.sleep(1)
    assert backfill["status"] == "COMPLETED_SUCCESS"
    assert backfill["isAssetBackfill"]
    partitions = list((first.home / "warehouse" / "embeddings").rglob("*.parquet"))
    assert backfill["numPartitions"] == len(partitions)


def test_similar_images_come_with_scores_nearest_first_and_their_pictures_are_served(first: Demo) -> None:
    first.wait_until_ready()
    url = first.address("GraphQL")
    ask = '{ searchReports(query: "effusion", first: 1) { nodes { images { nodes { id } } } } }'
    image = httpx.post(url, json={"query": ask}).json()["data"]["searchReports"]["nodes"][0]["images"]["nodes"][0]["id"]
    ask = "query($id: ID!) { similarImages(imageId: $id, first: 5) { edges { score node { id thumbnailUrl } } } }"
    hits = httpx.post(url, json={"query": ask, "variables": {"id": image}}).json()["data"]["similarImages"]["edges"]
    assert len(hits) == 5
    assert [h["score"] for h in hits] == sorted((h["score"] for h in hits), reverse=True)
    assert image not in [h["node"]["id"] for h in hits]
    picture = httpx.get(first.address("Page") + hits[0]["node"]["thumbnailUrl"])
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")


def test_a_file_of_ones_own_finds_the_images_like_it(first: Demo) -> None:
    first.wait_until_ready()
    url = first.address("GraphQL")
    file = next(path for path in sorted((first.home / "landing" / "files").rglob("*.dcm")) if path.stat().st_size > 100_000)
    asked = "query($f: Upload!) { embedding(upload: $f) { modelId vector } similarImages(upload: $f) { edges { score } } }"
    operations = json.dumps({"query": asked, "variables": {"f": None}})
    form = {"operations": operations, "map": '{"0": ["variables.f"]}'}
    answer = httpx.post(url, data=form, files={"0": file.read_bytes()}, timeout=300).json()
    assert "errors" not in answer, answer
    found = answer["data"]
    assert found["embedding"]["modelId"] == "efficientnet_lite0-imagenet"
    assert found["similarImages"]["edges"][0]["score"] >= 0.999


def test_what_lands_later_is_found_without_anybody_launching_anything(first: Demo) -> None:
    first.wait_until_ready()
    study = StudyKey("p18888888", "s58888888")
    landing = open_store(str(first.home / "landing"))
    land_study(landing, study, report="FINDINGS: A boomerang projects over the left lung.\nIMPRESSION: Boomerang.\n")
    ask = '{ searchReports(query: "boomerang") { nodes { id images { nodes { id } } } } }'
    deadline = time.monotonic() + 900
    while not (found := httpx.post(first.address("GraphQL"), json={"query": ask}).json()["data"]["searchReports"]["nodes"]):
        assert time.monotonic() < deadline, "not after 900 s"
        time.sleep(1)
    assert found == [{"id": study.study, "images": {"nodes": [{"id": sop_instance_uid(study)}]}}]
    dagster = DagsterClient(first.address("Dagster").removesuffix("/asset-groups"))
    while not all(asset.is_complete for asset in dagster.progress(STUDY_ASSETS)):
        assert time.monotonic() < deadline, "its run did not end"
        time.sleep(1)


def files_of_studies(home: Path) -> dict[str, str]:
    """Path → tag of every study's files; what is made of all studies has the one that landed last only now."""
    files = [o for o in open_store(str(home / "warehouse")).list() if o.key.count("/") > 1 and not o.key.startswith("intake/")]
    assert files
    return {o.key: o.etag for o in files}


def test_ctrl_c_stops_everything_it_started_and_a_second_demo_only_serves(first: Demo) -> None:
    first.wait_until_ready()
    servers = first.servers()
    assert len(servers) >= 4
    assert first.interrupt() == 0
    _, alive = psutil.wait_procs(servers, timeout=300)
    assert alive == []
    before = files_of_studies(first.home)

    second = Demo(first.home)
    try:
        second.wait_until_ready()
        assert "already ingested" in second.output
    finally:
        assert second.interrupt() == 0
    assert files_of_studies(first.home) == before
