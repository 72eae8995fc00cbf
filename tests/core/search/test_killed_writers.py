"""Writers of the embedded index that are killed at every change they make on disk, and at any moment, while others read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from medsearch_core.search.embedded.index import open_embedded
from tests.core.search.writer_kills import OPERATIONS
from tests.support.paths import PROJECT_ROOT

READERS = 2
RANDOM_KILLS = 40


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.core.search.writer_kills", *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=PROJECT_ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip


def test_a_killed_writer_loses_and_halves_nothing_and_no_reader_notices(tmp_path: Path) -> None:
    place, journal = tmp_path / "index", tmp_path / "journal"
    journal.touch()
    readers = [start("reader", place, journal) for _ in range(READERS)]
    host = start("host", place, journal, 0, RANDOM_KILLS)
    out, err = host.communicate(timeout=600)
    searches = []
    for reader in readers:
        found, fault = reader.communicate(timeout=600)
        assert reader.returncode == 0, fault
        searches.append(int(found))
    assert host.returncode == 0, err
    killed = json.loads(out)
    assert min(killed["steps"][operation] for operation in OPERATIONS) >= 15, killed
    assert killed["random"] >= RANDOM_KILLS // 2, killed
    assert min(searches) > 0
    index = open_embedded(str(place))
    (release,) = index.releases()
    assert sorted(os.listdir(place)) == sorted(["current", "releases", "writer.lock", release.name])
    segments = int(index.health().details["segments"])
    left = [path.suffix for path in (place / release.name).iterdir() if path.name != "manifest"]
    assert left == [".segment"] * segments, "what killed writers left is gone"
