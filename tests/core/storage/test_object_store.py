"""A folder and an S3 bucket behave the same: one suite, both real."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsearch_core.errors import ConfigurationError, ObjectForbidden, ObjectNotFound, StorageError
from medsearch_core.storage.object_store import HEADER_BYTES, ObjectInfo, ObjectStore, S3Options
from medsearch_core.storage.open import open_store
from tests.support.examples import examples

NAMES = ["files/p10/a.dcm", "with space & ünïcode (1).dcm", "per%20cent.dcm", "quote'?*.dcm"]


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return open_store(str(tmp_path / "landing"))
    bucket = request.getfixturevalue("s3_bucket")
    return open_store(f"s3://{bucket}/some/prefix", S3Options(request.getfixturevalue("s3_endpoint"), "us-east-1"))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_under_any_name_is_read_and_listed_under_it(store: ObjectStore, name: str) -> None:
    store.write(name, b"pixels")
    assert store.read(name) == b"pixels"
    assert [(o.key, o.bytes, o.is_addressable) for o in store.list()] == [(name, 6, True)]


def test_listing_a_folder_gives_only_what_is_below_it(store: ObjectStore) -> None:
    for key in ("thumbnails/p1/s1/a.png", "thumbnails/p1/s10/b.png", "thumbnails/p1/s1.parquet"):
        store.write(key, b"x")
    assert [o.key for o in store.list("thumbnails/p1/s1")] == ["thumbnails/p1/s1/a.png"]
    assert list(store.list("nothing/here")) == []


def test_other_bytes_under_a_key_get_another_tag(store: ObjectStore) -> None:
    store.write("a", b"one")
    before = next(store.list()).etag
    store.write("a", b"two")
    after = next(store.list()).etag
    assert before
    assert after
    assert before != after


def test_a_missing_object_is_named_and_not_taken_for_an_empty_one(store: ObjectStore) -> None:
    with pytest.raises(ObjectNotFound, match=r"no/such\.dcm"):
        store.read("no/such.dcm")
    with pytest.raises(ObjectNotFound, match=r"no/such\.dcm"):
        store.open("no/such.dcm")
    with pytest.raises(ObjectNotFound, match=r"no/such\.dcm"):
        store.info("no/such.dcm")


def test_info_returns_an_object_as_it_is_listed(store: ObjectStore) -> None:
    store.write("some/a", b"one")
    assert store.info("some/a") == next(store.list())


def test_an_object_opened_as_a_file_reads_by_ranges_as_bytes_do(store: ObjectStore) -> None:
    data = os.urandom(3 * HEADER_BYTES + 17)
    store.write("big", data)
    with store.open("big") as file:
        assert file.read(10) == data[:10]
        file.seek(HEADER_BYTES + 5)
        assert file.read(HEADER_BYTES * 3) == data[HEADER_BYTES + 5 :]
        file.seek(-7, os.SEEK_END)
        assert file.read() == data[-7:]


def test_create_writes_once_and_deleting_twice_is_no_error(store: ObjectStore) -> None:
    assert store.create("key", b"first")
    assert not store.create("key", b"second")
    assert store.read("key") == b"first"
    store.delete("key")
    store.delete("key")
    assert list(store.list()) == []


@pytest.mark.usefixtures("s3_bucket")
def test_a_header_is_fetched_without_the_rest_of_the_object(
    s3_endpoint: str, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import obstore

    fetched: list[int] = []
    original = obstore.get_range

    def noted(*given: Any, start: int, end: int, **named: Any) -> Any:
        fetched.append(end - start)
        return original(*given, start=start, end=end, **named)

    monkeypatch.setattr(obstore, "get_range", noted)
    store = open_store(f"s3://{s3_bucket}/x", S3Options(s3_endpoint, "us-east-1"))
    store.write("big", bytes(10_000_000))
    with store.open("big") as file:
        file.read(1000)
    assert fetched == [HEADER_BYTES]


def test_a_files_header_is_read_without_the_rest(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    store.write("big", bytes(10_000_000))
    with store.open("big") as file:
        file.read(1000)
        assert file.raw.tell() == HEADER_BYTES  # type: ignore[attr-defined]


def test_a_file_name_that_no_store_can_spell_is_listed_as_such_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "good.dcm").write_bytes(b"x")
    (tmp_path / "line\nbreak.dcm").write_bytes(b"x")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/latin\xff.dcm")).write_bytes(b"x")
    (tmp_path / "nowhere.dcm").symlink_to(tmp_path / "gone")
    listed = {o.key: (o.bytes, o.is_addressable) for o in open_store(str(tmp_path)).list()}
    assert listed == {
        "good.dcm": (1, True),
        "line\\nbreak.dcm": (1, False),
        "latin\\udcff.dcm": (1, False),
        "nowhere.dcm": (0, True),
    }


def test_a_bucket_that_is_not_there_fails_and_is_not_empty(s3_bucket: str, s3_endpoint: str) -> None:
    store = open_store("s3://no-such-bucket", S3Options(s3_endpoint, "us-east-1"))
    with pytest.raises(StorageError, match="s3://no-such-bucket"):
        list(store.list())


def test_an_address_of_another_kind_is_refused_with_what_is_possible() -> None:
    with pytest.raises(ConfigurationError, match="file:// or s3://"):
        open_store("ftp://somewhere")


def test_a_folder_that_must_exist_is_not_made_up(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"/typo: create or mount it"):
        open_store(str(tmp_path / "typo"), must_exist=True)
    assert not (tmp_path / "typo").exists()


def test_a_file_where_a_folder_should_be_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError, match=str(tmp_path / "file")):
        open_store(str(tmp_path / "file"))


def test_a_file_without_permission_is_that_files_fault() -> None:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "x.dcm").write_bytes(b"x")
    (folder / "x.dcm").chmod(0)
    store = open_store(str(folder))
    is_root = os.geteuid() == 0
    try:
        if is_root:  # who may read everything, and so becomes nobody
            os.seteuid(65534)
        with pytest.raises(ObjectForbidden, match=r"x\.dcm"):
            store.read("x.dcm")
        with pytest.raises(ObjectForbidden, match=r"x\.dcm"):
            store.open("x.dcm").read()
    finally:
        if is_root:
            os.seteuid(0)
        shutil.rmtree(folder)


def test_a_store_that_is_there_can_be_read_whether_or_not_it_holds_anything(store: ObjectStore) -> None:
    store.check()
    store.write("a", b"one")
    store.check()


def test_a_folder_that_is_gone_cannot_be_read(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "landing"))
    (tmp_path / "landing").rmdir()
    with pytest.raises(StorageError):
        store.check()


@pytest.mark.usefixtures("s3_bucket")
def test_a_bucket_that_is_not_there_cannot_be_read(s3_endpoint: str) -> None:
    with pytest.raises(StorageError):
        open_store("s3://no-such-bucket", S3Options(s3_endpoint, "us-east-1")).check()


ODD = (
    "s5.txt",
    "s5/x",
    "s5/y/deep/er/z",
    "s5",
    "s50/x",
    "a b",
    "a#b/1",
    "per%20cent/1",
    "z+z",
    "ünï",
    "日本/1",
    "~",
    "!",
    "a/b/c",
)
"""Keys whose order by folders and by bytes differ, and names that need escaping. `s5` is a folder, in S3 an object too."""


def paged(store: ObjectStore, limit: int) -> list[ObjectInfo]:
    found: list[ObjectInfo] = []
    while True:
        page = store.scan(found[-1].key if found else "", limit)
        found += page
        assert len(page) <= limit
        if len(page) < limit:
            return found


def test_scanning_in_parts_of_any_size_gives_the_whole_listing_in_the_order_of_bytes(store: ObjectStore) -> None:
    keys = [key for key in ODD if key != "s5" or store.url.startswith("s3")]
    for key in keys:
        store.write(key, b"x")
    whole = store.scan("", 1000)
    assert [o.key for o in whole] == sorted(keys, key=str.encode)
    assert {o.key: o for o in whole} == {o.key: o for o in store.list()}
    for limit in (1, 2, 3, 5, len(keys), len(keys) + 1):
        assert paged(store, limit) == whole
    for after in (
        "",
        "!",
        "a",
        "a/b",
        "s5",
        "s5.",
        "s5.txt",
        "s5/",
        "s5/x",
        "s5/y/deep",
        "s5/y/deep/zz",
        "zz",
        "日",
        "\U0010ffff",
    ):
        assert store.scan(after, 1000) == [o for o in whole if o.key.encode() > after.encode()], after


@pytest.mark.parametrize("after", ["", "a", "s5/x"])
def test_an_empty_store_scans_as_an_empty_part(store: ObjectStore, after: str) -> None:
    assert store.scan(after, 10) == []


@settings(max_examples=examples(25), deadline=None)
@given(
    st.sets(st.lists(st.text("a/.-0~é\n#", min_size=1, max_size=3), min_size=1, max_size=3).map("/".join), max_size=12),
    st.integers(1, 5),
)
def test_a_folder_of_any_names_scans_in_parts_as_it_lists(keys: set[str], limit: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for key in sorted(keys):
            path = Path(folder, *[f"n{name}" for name in key.split("/")])
            with contextlib.suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"x")
        store = open_store(folder)
        assert paged(store, limit) == list(store.list())
        listed = [o.key.encode() for o in store.list()]
        assert listed == sorted(listed)


def test_what_comes_before_is_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(str(tmp_path))
    for patient in range(20):
        store.write(f"p{patient:02}/s1/a.dcm", b"x")
    looked: list[str] = []
    original = os.scandir

    def noted(path: str) -> Any:
        looked.append(Path(path).name)
        return original(path)

    monkeypatch.setattr(os, "scandir", noted)
    assert [o.key for o in store.scan("p18/s1/a.dcm", 10)] == ["p19/s1/a.dcm"]
    assert looked == [tmp_path.name, "p18", "s1", "p19", "s1"]


def test_a_folder_that_is_gone_scans_as_a_failure_and_not_as_empty(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "landing"))
    (tmp_path / "landing").rmdir()
    with pytest.raises(StorageError, match=str(tmp_path / "landing")):
        store.scan("", 10)


@pytest.mark.usefixtures("s3_bucket")
def test_keys_of_a_bucket_that_no_store_can_be_asked_for_are_listed_as_they_are(s3_endpoint: str, s3_bucket: str) -> None:
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    odd = ["in/", "in/a//b.dcm", "in/tab\tin it.dcm", "in/tail/"]
    for key in [*odd, "in/z.dcm", "in/scan#12", "out/f.dcm"]:
        client.put_object(Bucket=s3_bucket, Key=key, Body=b"" if key.endswith("/") else b"x")
    store = open_store(f"s3://{s3_bucket}/in", S3Options(s3_endpoint, "us-east-1"))
    found = store.scan("", 100)
    assert {o.key: o.is_addressable for o in found} == {
        **dict.fromkeys((key.removeprefix("in/") for key in odd[1:]), False),
        **dict.fromkeys(("scan#12", "z.dcm"), True),
    }
    assert {store.read(o.key) for o in found if o.is_addressable} == {b"x"}
    assert [o.key for o in found] == sorted((o.key for o in found), key=str.encode)


@pytest.mark.usefixtures("s3_bucket")
def test_a_bucket_that_is_not_there_cannot_be_scanned(s3_endpoint: str) -> None:
    with pytest.raises(StorageError, match="s3://no-such-bucket"):
        open_store("s3://no-such-bucket", S3Options(s3_endpoint, "us-east-1")).scan("", 10)
