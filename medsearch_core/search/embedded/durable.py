"""Files that are written once, survive a power failure, and appear whole or not at all.

Belongs here: every change that the embedded index makes on disk, and the translation of the system's errors. Tests end a writer
at each of these calls.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from medsearch_core.errors import MedsearchError, StorageError

LARGE = 1 << 20
"""Parts of a file from this size on are written by themselves, in bytes."""


def write_file(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Writes a new file and syncs it and its folder. A file that could not be written whole is removed."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        for part in _in_large_parts(parts):
            _write_all(handle, part)
        os.fsync(handle)
    except BaseException:
        with suppress(OSError):
            os.unlink(path)
        raise
    finally:
        os.close(handle)
    sync_folder(path.parent)


def replace_file(path: Path, data: bytes) -> None:
    """Replaces a file: readers see the old one or the new one."""
    new = path.with_name(f"{path.name}.new")
    write_file(new, [data])
    os.replace(new, path)
    sync_folder(path.parent)


def remove_file(path: Path) -> None:
    """Removes a file; a missing one is not an error."""
    with suppress(FileNotFoundError):
        os.unlink(path)


def make_folder(path: Path) -> None:
    """Makes a folder and those above it, and syncs its entry."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        sync_folder(path.parent)


def move_away(path: Path, to: Path) -> None:
    """Renames a folder in one step; a missing one is not an error."""
    with suppress(FileNotFoundError):
        os.rename(path, to)
        sync_folder(path.parent)


def remove_folder(path: Path) -> None:
    """Removes a folder with all it holds; a missing one is not an error."""
    with suppress(FileNotFoundError):
        shutil.rmtree(path)


def sync_folder(path: Path) -> None:
    """Makes the names in a folder survive a power failure."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def failing_as(action: str) -> Iterator[None]:
    """Turns the system's errors into `StorageError`. Its message has no names of files and no data.

    Raises:
        StorageError: with the error's type and the system's reason.
    """
    try:
        yield
    except MedsearchError:
        raise
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else ""
        cause = f" ({reason})" if reason else ""
        raise StorageError(f"the search index could not be {action}: {type(error).__name__}{cause}") from None


def _in_large_parts(parts: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    """The same bytes, small parts joined."""
    waiting = bytearray()
    for part in parts:
        if len(part) < LARGE:
            waiting += part
        if len(waiting) >= LARGE or len(part) >= LARGE:
            yield bytes(waiting)
            waiting.clear()
        if len(part) >= LARGE:
            yield part
    yield bytes(waiting)


def _write_all(handle: int, part: bytes | memoryview) -> None:
    rest = memoryview(part).cast("B")
    while rest:
        rest = rest[os.write(handle, rest[: 1 << 26]) :]
