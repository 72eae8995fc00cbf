"""A folder as a store: how it is listed, how file names become keys, and how keys and links are kept inside it."""

from __future__ import annotations

import errno
import io
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from obstore.store import LocalStore
from typing_extensions import Buffer

from medsearch_core.errors import ObjectForbidden, ObjectNotFound, StorageError
from medsearch_core.storage.object_store import HEADER_BYTES, LINK_ETAG, ObjectInfo
from medsearch_core.storage.obstore_base import ObstoreStore, translate_error

UNADDRESSABLE_KEY = re.compile(r"[\x00-\x1f\x7f]|#\d+$")
"""Names that obstore cannot address: control characters, and the suffix of its own temporary files."""
_FOLDER = os.O_DIRECTORY | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
_FILE = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # so that a named pipe without a writer does not block

_NOT_FOLLOWED = {errno.ELOOP: "it is a link", errno.ENOTDIR: "it is below a link or a file"}


class Folder(ObstoreStore):
    """A store in a folder. Lists files itself: obstore aborts a listing at a file name it cannot represent.

    Only files inside the folder are read. `info`, `read` and `open` descend from the root one folder at a time, and open each
    part only if it is not a link at that moment (O_NOFOLLOW), so replacing a file or folder with a link between listing and
    reading gains nothing. The root itself may be a link. Hard links cannot be distinguished from files.

    Links are listed with the tag `LINK_ETAG` and no bytes. If a folder is replaced with a link during listing, names of files
    elsewhere may be listed; they cannot be read.

    Args:
        follows_links: whether a link to a file in the folder is listed and read as that file. A link to a folder, to nothing
            or out of the folder remains a link. The link is resolved first, and its target opened as above.
    """

    def __init__(self, folder: Path, follows_links: bool = False) -> None:
        super().__init__(LocalStore(folder), folder.as_uri())
        self._folder, self._follows_links = folder, follows_links

    def __reduce__(self) -> tuple[type[Folder], tuple[Path, bool]]:
        return Folder, (self._folder, self._follows_links)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        if not prefix.strip("/"):
            return self._walk(self._folder, "", "")
        parts = _parts(prefix.strip("/"))
        if Path(os.path.realpath(self._folder), *parts) != Path(os.path.realpath(self._folder.joinpath(*parts))):
            raise StorageError(f"cannot list {prefix}: it is a link, or below one")
        return self._walk(self._folder.joinpath(*parts), "/".join([*parts, ""]), "")

    def scan(self, after: str, limit: int) -> Sequence[ObjectInfo]:
        return [*islice(self._walk(self._folder, "", after), limit)]

    def info(self, key: str) -> ObjectInfo:
        with _failing_as("look at", key), self._beside(key) as (folder, name):
            return _info(key, os.stat(name, dir_fd=folder, follow_symlinks=False))

    def read(self, key: str) -> bytes:
        with _failing_as("read", key), self._opened(key) as file:
            return file.read()

    def open(self, key: str) -> BinaryIO:
        with _failing_as("open", key):
            return cast(BinaryIO, io.BufferedReader(self._opened(key), HEADER_BYTES))

    def write(self, key: str, data: bytes) -> None:
        _parts(key)
        super().write(key, data)

    def delete(self, key: str) -> None:
        _parts(key)
        super().delete(key)

    def create(self, key: str, data: bytes) -> bool:
        """Puts an object if the key does not exist; returns whether it did. Only this process's user can read the file."""
        path = self._folder.joinpath(*_parts(key))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            number, temporary = tempfile.mkstemp(prefix=f"{path.name}-", suffix="#1", dir=path.parent)  # of mode 0600
            try:
                with os.fdopen(number, "wb") as file:
                    file.write(data)
                os.link(temporary, path)
            finally:
                os.unlink(temporary)
        except FileExistsError:
            return False
        except OSError as error:
            raise StorageError(f"cannot write {key}: {type(error).__name__}") from error
        return True

    def check(self) -> None:
        try:
            os.scandir(self._folder).close()
        except OSError as error:
            raise StorageError(f"cannot list {self._folder}: {type(error).__name__}") from error

    def _opened(self, key: str) -> _File:
        with self._beside(key) as (folder, name):
            return _File(os.open(name, _FILE, dir_fd=folder), key)

    @contextmanager
    def _beside(self, key: str) -> Iterator[tuple[int, str]]:
        """The opened folder of a file, and the file's name in it."""
        *folders, name = self._target(key) if self._follows_links else _parts(key)
        opened = os.open(self._folder, _FOLDER)
        try:
            for folder in folders:
                below = os.open(folder, _FOLDER | os.O_NOFOLLOW, dir_fd=opened)
                os.close(opened)
                opened = below
            yield opened, name
        finally:
            os.close(opened)

    def _target(self, key: str) -> Sequence[str]:
        """The parts of a key, or of the key of the file in the folder that it links to."""
        root, path = os.path.realpath(self._folder), self._folder.joinpath(*_parts(key))
        target = Path(os.path.realpath(path))
        return target.relative_to(root).parts if path.is_symlink() and _is_file_in(target, root) else _parts(key)

    def _walk(self, folder: Path, key: str, after: str) -> Iterator[ObjectInfo]:
        """Every object below a folder whose keys start with `key`, in key order, skipping what comes before `after`."""
        if key and not folder.exists():
            return
        bound = after.encode()
        levels = [_entries_of(folder, key, bound, self._folder)]
        while levels:
            entry, spelt = next(levels[-1], (None, ""))
            if entry is None:
                levels.pop()
            elif spelt.endswith("/"):
                levels.append(_entries_of(Path(entry.path), spelt, bound, self._folder))
            elif spelt.encode() > bound and (info := self._listed(entry, spelt)):
                yield info

    def _listed(self, entry: os.DirEntry[str], spelt: str) -> ObjectInfo | None:
        leads_to_a_file = (
            self._follows_links
            and entry.is_symlink()
            and _is_file_in(Path(os.path.realpath(entry.path)), os.path.realpath(self._folder))
        )
        try:
            found = entry.stat(follow_symlinks=leads_to_a_file)
        except OSError:
            return None  # removed since its folder was listed
        is_spelt_so = "\\" not in spelt or spelt == Path(entry.path).relative_to(self._folder).as_posix()
        return _info(spelt, found, is_spelt_so and not UNADDRESSABLE_KEY.search(spelt))


class _File(io.FileIO):
    """A file whose name is its key (pydicom reads it), and whose errors are storage errors."""

    def __init__(self, number: int, key: str) -> None:
        try:
            super().__init__(number)
        except OSError:  # it is a folder
            os.close(number)
            raise
        self.name = key

    def readinto(self, buffer: Buffer) -> int:
        with _failing_as("read", self.name):
            return super().readinto(buffer) or 0

    def readall(self) -> bytes:
        with _failing_as("read", self.name):
            return super().readall() or b""


@contextmanager
def _failing_as(verb: str, key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectNotFound(key) from error
    except OSError as error:
        if error.errno in _NOT_FOLLOWED:
            raise ObjectForbidden(f"cannot {verb} {key}: {_NOT_FOLLOWED[error.errno]}") from error
        raise translate_error(verb, key, error) from error


def _parts(key: str) -> Sequence[str]:
    """The parts of a key; raises `ObjectNotFound` for a key that no file in the folder can have."""
    parts = key.split("/")
    if "\0" in key or any(part in ("", ".", "..") for part in parts):
        raise ObjectNotFound(key)
    return parts


def _is_file_in(target: Path, root: str) -> bool:
    return target.is_relative_to(root) and target.is_file()


def _info(key: str, found: os.stat_result, is_addressable: bool = True) -> ObjectInfo:
    if stat.S_ISLNK(found.st_mode):
        return ObjectInfo(key, 0, LINK_ETAG, is_addressable)
    tag = f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"
    return ObjectInfo(key, found.st_size, tag, is_addressable)


def _entries_of(folder: Path, key: str, bound: bytes, root: Path) -> Iterator[tuple[os.DirEntry[str] | None, str]]:
    """A folder's entries with their keys, in key order; a folder's key ends in `/`, which determines its order."""
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


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _spelt(name: str) -> str:
    """A file's name as it is listed: characters that no store can address are escaped."""
    return UNADDRESSABLE_KEY.sub(lambda c: ascii(c[0])[1:-1], name.encode("utf-8", "backslashreplace").decode())
