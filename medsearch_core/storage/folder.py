"""A folder as a store: how it is walked, and how the names of its files are spelled."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from obstore.store import LocalStore

from medsearch_core.errors import ObjectNotFound, StorageError
from medsearch_core.storage.object_store import DANGLING_LINK_ETAG, ObjectInfo
from medsearch_core.storage.obstore_base import ObstoreStore, translate_error

UNADDRESSABLE_KEY = re.compile(r"[\x00-\x1f\x7f]|#\d+$")
"""Names that obstore cannot be asked for: control characters, and the suffix of its own temporary files."""


class Folder(ObstoreStore):
    """A folder is walked here: obstore stops a whole listing at one file name it cannot spell."""

    def __init__(self, folder: Path) -> None:
        super().__init__(LocalStore(folder), folder.as_uri())
        self._folder = folder

    def __reduce__(self) -> tuple[type[Folder], tuple[Path]]:
        return Folder, (self._folder,)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        root = self._folder / prefix
        return _walk(root, "/".join([*root.relative_to(self._folder).parts, ""]), "", self._folder)

    def scan(self, after: str, limit: int) -> Sequence[ObjectInfo]:
        return [*islice(_walk(self._folder, "", after, self._folder), limit)]

    def info(self, key: str) -> ObjectInfo:
        try:
            stat = Path(self._folder, key).stat()
        except FileNotFoundError as error:
            raise ObjectNotFound(key) from error
        except OSError as error:
            raise translate_error("look at", key, error) from error
        return ObjectInfo(key, stat.st_size, _tag(stat))

    def read(self, key: str) -> bytes:
        try:
            return Path(self._folder, key).read_bytes()
        except FileNotFoundError as error:
            raise ObjectNotFound(key) from error
        except OSError as error:
            raise translate_error("read", key, error) from error

    def check(self) -> None:
        try:
            os.scandir(self._folder).close()
        except OSError as error:
            raise StorageError(f"cannot list {self._folder}: {type(error).__name__}") from error


def _tag(stat: os.stat_result) -> str:
    return f"{stat.st_ino:x}-{stat.st_mtime_ns:x}-{stat.st_size:x}"


def _walk(folder: Path, key: str, after: str, root: Path) -> Iterator[ObjectInfo]:
    """Every object below a folder whose keys start with `key`, in the order of their keys, without looking at what lies
    before `after`.

    A link to a folder is followed, unless it leads to a folder that is listed anyway: into the root, or above itself. So
    which objects there are does not depend on where a walk began.
    """
    if key and not folder.exists():
        return
    real, bound = os.path.realpath(root), after.encode()
    levels = [(os.path.realpath(folder), _entries_of(folder, key, bound, root))]
    while levels:
        entry, spelt = next(levels[-1][1], (None, ""))
        if entry is None:
            levels.pop()
        elif not spelt.endswith("/"):
            yield from _listed(entry, spelt, bound, root)
        elif not entry.is_symlink():
            levels.append((f"{levels[-1][0]}/{entry.name}", _entries_of(Path(entry.path), spelt, bound, root)))
        else:
            target = os.path.realpath(entry.path)
            if not _is_within(target, real) and not any(_is_within(above, target) for above, _ in levels):
                levels.append((target, _entries_of(Path(entry.path), spelt, bound, root)))


def _entries_of(folder: Path, key: str, bound: bytes, root: Path) -> Iterator[tuple[os.DirEntry[str] | None, str]]:
    """A folder's entries with their keys, in the order of their keys; a folder's key ends in `/`, by which it sorts."""
    try:
        with os.scandir(folder) as entries:
            named = [(key + _spelt(entry.name) + ("/" if _is_folder(entry) else ""), entry) for entry in entries]
    except OSError as error:
        if isinstance(error, FileNotFoundError) and root.exists() and not folder.exists():
            return  # removed since its parent was listed
        raise StorageError(f"cannot list {error.filename}: {type(error).__name__}") from error
    for order, spelt, entry in sorted(((spelt.encode(), spelt, entry) for spelt, entry in named), key=lambda e: e[0]):
        if order > bound or bound.startswith(order):
            yield entry, spelt


def _listed(entry: os.DirEntry[str], spelt: str, bound: bytes, root: Path) -> Iterator[ObjectInfo]:
    if spelt.encode() <= bound:
        return
    try:
        stat = entry.stat()
    except OSError:
        if entry.is_symlink():
            yield ObjectInfo(spelt, 0, DANGLING_LINK_ETAG)
        return
    is_spelt_so = "\\" not in spelt or spelt == Path(entry.path).relative_to(root).as_posix()
    yield ObjectInfo(spelt, stat.st_size, _tag(stat), is_spelt_so and not UNADDRESSABLE_KEY.search(spelt))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _spelt(name: str) -> str:
    """A file's name as it is listed: what no store can be asked for is escaped."""
    return UNADDRESSABLE_KEY.sub(lambda c: ascii(c[0])[1:-1], name.encode("utf-8", "backslashreplace").decode())


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
