"""File permissions: other users cannot read new files, and existing open folders are named."""

from __future__ import annotations

import logging
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from medsearch_core.errors import ConfigurationError
from medsearch_core.process.permissions import PSEUDONYM_KEY, exposures, keep_files_private, warn_of_exposures
from medsearch_core.settings import Deployment
from medsearch_core.storage.open import open_store


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def readable_by_all() -> Iterator[None]:
    """A process whose new files everyone may read, which is a common default."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize(("given", "file", "folder"), [(None, 0o600, 0o700), ("027", 0o640, 0o750), ("0022", 0o644, 0o755)])
def test_new_files_have_the_permissions_of_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None, file: int, folder: int
) -> None:
    if given:
        monkeypatch.setenv("MEDSEARCH_UMASK", given)
    keep_files_private()
    open_store(str(tmp_path / "warehouse")).write("a/b", b"x")
    assert mode(tmp_path / "warehouse" / "a" / "b") == file
    assert mode(tmp_path / "warehouse" / "a") == mode(tmp_path / "warehouse") == folder


@pytest.mark.parametrize("given", ["7", "999", "u=rw"])
def test_what_is_no_umask_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("MEDSEARCH_UMASK", given)
    with pytest.raises(ConfigurationError, match="MEDSEARCH_UMASK"):
        keep_files_private()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_what_is_created_once_is_its_users_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    os.umask(umask)
    store = open_store(str(tmp_path))
    assert store.create("folder/secret", b"first")
    assert not store.create("folder/secret", b"second")
    assert mode(tmp_path / "folder" / "secret") == 0o600
    assert store.read("folder/secret") == b"first"
    assert [o.key for o in store.list()] == ["folder/secret"]


def test_of_many_who_create_one_object_at_once_one_succeeds(tmp_path: Path) -> None:
    store, begin, created = open_store(str(tmp_path)), threading.Barrier(8), []

    def create(number: int) -> None:
        begin.wait(300)
        if store.create("secret", bytes([number])):
            created.append(bytes([number]))

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert created == [store.read("secret")]
    assert [o.key for o in store.list()] == ["secret"]


@pytest.mark.slow
def test_each_exposed_path_is_named_with_the_command_that_closes_it(tmp_path: Path) -> None:
    bits = {"private": 0o700, "group": 0o750, "everyone": 0o755, "others": 0o704}
    for name, given in bits.items():
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(given)
    found = exposures((tmp_path / name, 0o077) for name in [*bits, "absent"])
    commands = ["chmod g-rwx", "chmod go-rwx", "chmod o-rwx"]
    assert [sentence.rpartition("run ")[2] for sentence in found] == [
        f"{command} {tmp_path / name}" for command, name in zip(commands, ("group", "everyone", "others"), strict=True)
    ]
    for sentence in found:
        os.system(sentence.rpartition("run ")[2])  # noqa: S605 - what an operator would type
    assert exposures((tmp_path / name, 0o077) for name in bits) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_what_belongs_to_another_user_is_left_to_that_user(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    tmp_path.chmod(0o777)
    assert exposures([(tmp_path, 0o077)]) == []


@pytest.mark.parametrize(
    ("umask", "expected"), [("077", ["warehouse", "index", "dagster", PSEUDONYM_KEY]), ("022", [PSEUDONYM_KEY])]
)
def test_a_deployments_folders_are_warned_of_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, umask: str, expected: list[str]
) -> None:
    for name in ("landing", "warehouse", "index", "dagster"):
        (tmp_path / name).mkdir(mode=0o750)
    key = tmp_path / "warehouse" / PSEUDONYM_KEY
    key.touch(mode=0o644)
    deployment = Deployment(
        landing=str(tmp_path / "landing"),
        warehouse=(tmp_path / "warehouse").as_uri(),
        index=str(tmp_path / "index"),
        umask=umask,
    )
    with caplog.at_level(logging.WARNING):
        warn_of_exposures(deployment, str(tmp_path / "dagster"))
    assert [Path(record.getMessage().partition(" ")[0]).name for record in caplog.records] == expected


def test_a_landing_folder_may_be_its_groups_and_not_everyones(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing").chmod(0o775)
    in_s3 = Deployment(landing=str(tmp_path / "landing"), warehouse="s3://warehouse", index="https://opensearch:9200")
    warn_of_exposures(in_s3)
    assert [record.getMessage().rpartition("run ")[2] for record in caplog.records] == [f"chmod o-rwx {tmp_path / 'landing'}"]
