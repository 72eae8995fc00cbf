"""Damaged, missing and full: the embedded index says that it cannot be read or written, and is never empty and healthy."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medsearch_core.errors import MedsearchError, NoSuchRelease, StorageError
from medsearch_core.search.embedded.arrays import MappedArrays, write_arrays
from medsearch_core.search.embedded.index import EmbeddedIndex, open_embedded
from medsearch_core.search.embedded.manifest import Manifest, Part, parse_manifest, write_manifest
from tests.core.search.search_documents import study_of
from tests.support.paths import PROJECT_ROOT

Damage = Callable[[Path], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index with two segments."""
    index = open_embedded(str(tmp_path / "index"))
    index.upsert([study_of("s1", images=2, findings="edema")])
    index.upsert([study_of("s2", findings="edema")])
    return tmp_path / "index"


def release_of(folder: Path) -> Path:
    return folder / (open_embedded(str(folder)).current() or "")


def segment_of(folder: Path) -> Path:
    return sorted(release_of(folder).glob("*.segment"))[0]


def change_byte(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


DAMAGES: dict[str, Damage] = {
    "a truncated segment": lambda folder: os.truncate(segment_of(folder), segment_of(folder).stat().st_size - 1),
    "an emptied segment": lambda folder: os.truncate(segment_of(folder), 0),
    "a changed bit of an array": lambda folder: change_byte(segment_of(folder), 64),
    "a changed bit of the directory": lambda folder: change_byte(segment_of(folder), -40),
    "a longer segment": lambda folder: segment_of(folder).open("ab").write(b"x"),
    "a missing segment": lambda folder: segment_of(folder).unlink(),
    "a lost manifest": lambda folder: release_of(folder).joinpath("manifest").unlink(),
    "a damaged manifest": lambda folder: change_byte(release_of(folder) / "manifest", -3),
    "an emptied manifest": lambda folder: os.truncate(release_of(folder) / "manifest", 0),
    "a lost pointer": lambda folder: folder.joinpath("current").unlink(),
    "a damaged pointer": lambda folder: folder.joinpath("current").write_text("{}"),
    "a lost release": lambda folder: release_of(folder).rename(folder / "elsewhere"),
}

CALLS: dict[str, Callable[[EmbeddedIndex], object]] = {
    "similar": lambda index: index.similar([1.0, 0.0], 1),
    "text": lambda index: index.text("edema"),
    "count": lambda index: index.count(),
    "health": lambda index: index.health(),
    "studies": lambda index: index.studies(),
    "upsert": lambda index: index.upsert([study_of("s3")]),
    "compact": lambda index: index.compact(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index_is_an_error_of_every_call_and_not_an_empty_index(folder: Path, damage: str) -> None:
    DAMAGES[damage](folder)
    for name, call in CALLS.items():
        with pytest.raises((StorageError, NoSuchRelease)):
            pytest.fail(f"{name}: {call(open_embedded(str(folder)))}")


@pytest.mark.parametrize(
    "damage", ["a truncated segment", "a lost manifest", "a damaged manifest", "a lost pointer", "a lost release"]
)
def test_a_reader_that_was_there_before_notices_too(folder: Path, damage: str) -> None:
    index = open_embedded(str(folder))
    assert index.text("edema").total == 2
    DAMAGES[damage](folder)
    with pytest.raises((StorageError, NoSuchRelease)):
        index.text("edema")


def test_a_lost_pointer_is_restored_by_naming_a_release(folder: Path) -> None:
    index, name = open_embedded(str(folder)), release_of(folder).name
    DAMAGES["a lost pointer"](folder)
    assert [(r.name, r.is_current, r.published is not None) for r in index.releases()] == [(name, False, True)]
    index.publish(name)
    assert open_embedded(str(folder)).text("edema").total == 2


def test_a_damaged_release_is_not_published(folder: Path) -> None:
    index = open_embedded(str(folder))
    new = index.begin(None)
    index.publish(new)
    old = next(r.name for r in index.releases() if not r.is_current)
    sorted(folder.joinpath(old).glob("*.segment"))[0].unlink()
    with pytest.raises(StorageError):
        index.publish(old)
    folder.joinpath(old, "manifest").unlink()
    with pytest.raises(StorageError):
        index.publish(old)
    assert index.current() == new


def test_a_large_segment_is_checked_by_its_length_and_directory_and_whole_when_it_is_merged(tmp_path: Path) -> None:
    index = open_embedded(str(tmp_path))
    index.upsert([study_of(f"s{n}", text="word " * 3000) for n in range(100)])
    assert segment_of(tmp_path).stat().st_size > 1 << 20
    change_byte(segment_of(tmp_path), 200_000)
    assert open_embedded(str(tmp_path)).health().studies == 100
    open_embedded(str(tmp_path)).upsert([study_of("s1", inputs="b")])
    with pytest.raises(StorageError):
        index.finish(index.current() or "")


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"00000000 {}", b'xxxxxxxx {"version": 1, "parts": []}', b"%08x" % 0],
)
def test_a_manifest_is_what_was_written_or_an_error(tmp_path: Path, data: bytes) -> None:
    manifest = Manifest(7, (Part("a", 10, 3, (1, 5)), Part("b", 20, 4)))
    write_manifest(tmp_path, manifest)
    assert parse_manifest(tmp_path.joinpath("manifest").read_bytes()) == manifest
    with pytest.raises(MedsearchError):
        parse_manifest(data)


def test_a_file_of_another_write_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.segment"
    length, checksum = write_arrays(path, {"x": np.arange(3)}, {"model": None})
    assert MappedArrays(path, length, checksum)["x"].tolist() == [0, 1, 2]
    for wrong in ((length + 1, checksum), (length, checksum ^ 1)):
        with pytest.raises(StorageError):
            MappedArrays(path, *wrong)


FULL = """
import resource, sys
from medsearch_core.errors import StorageError
from medsearch_core.search.embedded.index import open_embedded
from tests.core.search.search_documents import study_of
index = open_embedded(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    index.upsert([study_of("s3", findings="edema")])
except StorageError as error:
    print("refused:", error)
index.text("edema")
print(index.text("edema").total)
"""


@pytest.mark.parametrize("limit", [0, 1000, 4000])
def test_a_disk_that_is_full_refuses_the_write_and_leaves_the_index_as_it_was(folder: Path, limit: int) -> None:
    before = sorted(release_of(folder).iterdir())
    command = [sys.executable, "-c", FULL, str(folder), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT_ROOT)
    assert done.stdout.startswith("refused: the search index could not be written: OSError (file too large)"), done.stdout
    assert done.stdout.endswith("\n2\n")
    assert [path for path in sorted(release_of(folder).iterdir()) if path.suffix != ".new"] == before
    index = open_embedded(str(folder))
    assert index.upsert([study_of("s3", findings="edema")]) == 1
    assert index.text("edema").total == 3
