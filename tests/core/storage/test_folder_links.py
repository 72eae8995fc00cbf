"""Neither a key nor a link leads out of a folder, whenever it was created."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from medsearch_core.errors import ObjectForbidden, ObjectNotFound, ObjectUnreadable, StorageError
from medsearch_core.storage.folder import Folder
from medsearch_core.storage.object_store import LINK_ETAG

SECRET = b"what another program keeps"


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """A folder with one file and one folder, beside a folder that holds a secret."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_bytes(SECRET)
    (tmp_path / "landing" / "a").mkdir(parents=True)
    (tmp_path / "landing" / "a" / "x.txt").write_bytes(b"x")
    return tmp_path / "landing"


def listed(store: Folder) -> dict[str, bool]:
    """Key → whether it is a link that is not followed."""
    return {o.key: o.etag == LINK_ETAG for o in store.list()}


READS: list[Callable[[Folder, str], object]] = [Folder.info, Folder.read, lambda folder, key: folder.open(key).read()]


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(
    "key",
    ["/etc/passwd", "../outside/secret.txt", "a/../../outside/secret.txt", "a/./x.txt", "a//x.txt", "..", ".", "", "/", "a\0"],
)
@pytest.mark.parametrize("follows_links", [False, True])
def test_a_key_that_leads_elsewhere_names_nothing(
    landing: Path, key: str, read: Callable[[Folder, str], object], follows_links: bool
) -> None:
    with pytest.raises(ObjectNotFound):
        read(Folder(landing, follows_links), key)


@pytest.mark.parametrize("key", ["../outside/new.txt", "a/../../outside/new.txt", "/../outside/new.txt"])
def test_nothing_is_written_or_deleted_elsewhere(landing: Path, key: str) -> None:
    store = Folder(landing)
    for change in (lambda: store.write(key, b"x"), lambda: store.create(key, b"x"), lambda: store.delete(key)):
        with pytest.raises(ObjectNotFound):
            change()
    assert [path.name for path in (landing.parent / "outside").iterdir()] == ["secret.txt"]


@pytest.mark.parametrize("prefix", ["..", "../outside", "a/../..", "/../outside"])
def test_nothing_is_listed_elsewhere(landing: Path, prefix: str) -> None:
    with pytest.raises(StorageError):
        list(Folder(landing).list(prefix))


@pytest.mark.parametrize("follows_links", [False, True])
def test_links_out_of_the_folder_are_listed_as_links_and_never_read(landing: Path, follows_links: bool) -> None:
    outside = landing.parent / "outside"
    (landing / "file.txt").symlink_to(outside / "secret.txt")
    (landing / "relative.txt").symlink_to("../outside/secret.txt")
    (landing / "folder").symlink_to(outside)
    (landing / "system").symlink_to("/etc/passwd")
    (landing / "twice.txt").symlink_to("file.txt")
    (landing / "nowhere.txt").symlink_to(outside / "gone.txt")
    (landing / "circle.txt").symlink_to("circle.txt")
    store = Folder(landing, follows_links)
    links = ["circle.txt", "file.txt", "folder", "nowhere.txt", "relative.txt", "system", "twice.txt"]
    assert listed(store) == {"a/x.txt": False} | dict.fromkeys(links, True)
    for key in links:
        assert store.info(key).etag == LINK_ETAG
        assert store.info(key).bytes == 0
        with pytest.raises(ObjectForbidden, match=f" {key}:.* link"):
            store.read(key)
        with pytest.raises(ObjectForbidden, match=f" {key}:.* link"):
            store.open(key)
    with pytest.raises(ObjectForbidden, match=r"folder/secret\.txt"):
        store.read("folder/secret.txt")
    with pytest.raises(StorageError):
        list(store.list("folder"))


def test_a_link_to_a_file_of_the_folder_is_read_only_where_links_are_followed(landing: Path) -> None:
    (landing / "b.txt").symlink_to("a/x.txt")
    (landing / "c.txt").symlink_to(landing / "a" / "x.txt")
    (landing / "again").symlink_to("a")
    (landing / "up").symlink_to(landing)
    assert listed(Folder(landing)) == {"a/x.txt": False, "again": True, "b.txt": True, "c.txt": True, "up": True}
    store = Folder(landing, follows_links=True)
    assert listed(store) == {"a/x.txt": False, "again": True, "b.txt": False, "c.txt": False, "up": True}
    assert {o.key: o for o in store.list() if o.etag != LINK_ETAG} == {
        key: store.info(key) for key in ("a/x.txt", "b.txt", "c.txt")
    }
    assert store.read("b.txt") == store.open("c.txt").read() == b"x"
    assert pickle.loads(pickle.dumps(store)).read("b.txt") == b"x"  # noqa: S301 - our own


@pytest.mark.parametrize("follows_links", [False, True])
def test_the_folder_itself_may_be_a_link(landing: Path, follows_links: bool) -> None:
    (landing.parent / "linked").symlink_to("landing")
    store = Folder(landing.parent / "linked", follows_links)
    (landing / "b.txt").symlink_to("a/x.txt")
    assert listed(store) == {"a/x.txt": False, "b.txt": not follows_links}
    assert [o.key for o in store.list("a")] == ["a/x.txt"]
    assert store.read("a/x.txt") == b"x"
    store.write("a/y.txt", b"y")
    assert (landing / "a" / "y.txt").read_bytes() == b"y"


@pytest.mark.parametrize("follows_links", [False, True])
@pytest.mark.parametrize("swapped", ["a", "a/x.txt"])
def test_what_is_swapped_for_a_link_after_it_was_listed_is_not_read(landing: Path, swapped: str, follows_links: bool) -> None:
    store = Folder(landing, follows_links)
    (landing.parent / "outside" / "x.txt").write_bytes(SECRET)
    (key,) = (o.key for o in store.list())
    (landing / swapped).rename(landing.parent / "moved")
    (landing / swapped).symlink_to(landing.parent / "outside" / ("x.txt" if swapped == key else ""))
    with pytest.raises(ObjectUnreadable):
        store.read(key)


def test_a_link_that_changes_between_being_resolved_and_opened_is_not_followed(
    landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (landing / "b.txt").symlink_to("a/x.txt")
    resolve = Folder._target

    def swapping(store: Folder, key: str) -> object:
        target = resolve(store, key)
        (landing / "a" / "x.txt").unlink()
        (landing / "a" / "x.txt").symlink_to(landing.parent / "outside" / "secret.txt")
        return target

    monkeypatch.setattr(Folder, "_target", swapping)
    with pytest.raises(ObjectForbidden):
        Folder(landing, follows_links=True).read("b.txt")


def test_scanning_in_parts_finds_the_same_links(landing: Path) -> None:
    for name in ("a-", "a.txt", "b", "z"):
        (landing / name).symlink_to(landing.parent / "outside")
    store = Folder(landing)
    whole = store.scan("", 100)
    assert [o.key for o in whole] == ["a-", "a.txt", "a/x.txt", "b", "z"]
    assert [store.scan(each.key, 1) for each in whole] == [[each] for each in whole[1:]] + [[]]


def test_a_pipe_holds_nobody_up(landing: Path) -> None:
    os.mkfifo(landing / "pipe.txt")
    assert Folder(landing).read("pipe.txt") == b""


def test_a_folder_is_no_file(landing: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with pytest.raises(StorageError):
            Folder(landing).read("a")
    assert len(os.listdir("/proc/self/fd")) == before
