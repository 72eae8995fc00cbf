"""The releases of the embedded index, which one is current, and the writer's lock.

Belongs here: the small files beside the releases, and the lock. `current` names the release that all searches use, and since
when; it is replaced atomically. `releases/{name}.json` records when a release was created and, once it was superseded, when it
was published. Nothing is derived from existing folders, so a writer that is killed at any moment does no harm.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import IO, Any, Protocol

from medsearch_core.errors import NoSuchRelease, ObjectNotFound
from medsearch_core.search.embedded.table import failing_as
from medsearch_core.search.releases import Release
from medsearch_core.storage.object_store import ObjectInfo, S3Options
from medsearch_core.storage.open import open_store

_CURRENT, _RELEASES, _LOCK = "current", "releases", "writer.lock"
_NAME = re.compile(r"[a-z0-9-]+")


class Files(Protocol):
    """The methods that the catalog needs of an object store."""

    def read(self, key: str) -> bytes: ...
    def write(self, key: str, data: bytes) -> None: ...
    def create(self, key: str, data: bytes) -> bool: ...
    def delete(self, key: str) -> None: ...
    def list(self, prefix: str = "") -> Iterator[ObjectInfo]: ...


class ReleaseCatalog:
    """The releases of one index. Change them only while holding the writer's turn.

    Every method raises `StorageError` when the catalog cannot be read or written.
    """

    def __init__(self, folder: Path | None, files: Files) -> None:
        """
        Args:
            folder: the folder of the writers' lock; None on an object store, which has none.
        """
        self._folder = folder
        self._files = files
        self._threads = RLock()
        self._lock: IO[Any] | None = None

    def current(self) -> str | None:
        """The name of the current release."""
        pointer = self._read(_CURRENT)
        return pointer["release"] if pointer else None

    def releases(self) -> list[Release]:
        """All releases, the newest first."""
        with failing_as("read"):
            names = [Path(info.key).stem for info in self._files.list(_RELEASES) if info.key.endswith(".json")]
        pointer, entries = self._read(_CURRENT) or {}, {name: self._read(_key(name)) for name in names}
        found = [
            Release(
                name=name,
                created=datetime.fromisoformat(entry["created"]),
                published=_time((pointer if name == pointer.get("release") else entry)["published"]),
                is_current=name == pointer.get("release"),
            )
            for name, entry in entries.items()
            if entry
        ]
        return sorted(found, key=lambda r: (r.created, r.name), reverse=True)

    def check(self, name: str) -> None:
        """
        Raises:
            NoSuchRelease: there is no release of that name, or the name is invalid.
        """
        if not _NAME.fullmatch(name) or self._read(_key(name)) is None:
            raise NoSuchRelease(f"there is no release {name[:100]!r}: medsearch releases lists them")

    def add(self, name: str) -> None:
        """Adds a new, unpublished release."""
        self._write(_key(name), {"created": _now(), "published": None})

    def publish_first(self, name: str) -> bool:
        """Makes a release current if none is; returns whether it did."""
        with failing_as("written"):
            return self._files.create(_CURRENT, _bytes({"release": name, "published": _now()}))

    def publish(self, name: str) -> None:
        """Makes a release current."""
        before = self._read(_CURRENT)
        entry = self._read(_key(before["release"])) if before else None
        if before and entry:
            self._write(_key(before["release"]), entry | {"published": before["published"]})
        self._write(_CURRENT, {"release": name, "published": _now()})

    def remove(self, name: str) -> None:
        """Removes a release's entry."""
        with failing_as("written"):
            self._files.delete(_key(name))

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Holds the writer's turn: no other process or thread writes to this index. Reentrant.

        The lock ends with its process. On an object store writers take turns within their process only: Lance rejects commits
        that touch the same rows, and the writers repeat them.
        """
        with self._threads:
            if self._folder is None or self._lock is not None:
                yield
                return
            with failing_as("written"):
                self._folder.mkdir(parents=True, exist_ok=True)
                self._lock = self._folder.joinpath(_LOCK).open("a")
            try:
                with self._lock:
                    fcntl.flock(self._lock, fcntl.LOCK_EX)
                    yield
            finally:
                self._lock = None

    def _read(self, key: str) -> dict[str, Any] | None:
        with failing_as("read"):
            try:
                found: dict[str, Any] = json.loads(self._files.read(key))
            except ObjectNotFound:
                return None
            return found

    def _write(self, key: str, value: dict[str, Any]) -> None:
        with failing_as("written"):
            self._files.write(key, _bytes(value))


def open_catalog(uri: str, folder: Path | None, storage_options: dict[str, str] | None) -> ReleaseCatalog:
    """The catalog of the index in a folder, or at an object store's URI.

    Raises:
        ConfigurationError: the kind of object store is not supported, or its credentials cannot be found.
    """
    if folder is not None:
        return ReleaseCatalog(folder, _Folder(folder))
    settings = {name.lower(): value for name, value in (*os.environ.items(), *(storage_options or {}).items())}
    region = settings.get("aws_region") or settings.get("aws_default_region")
    return ReleaseCatalog(None, open_store(uri, S3Options(endpoint=settings.get("aws_endpoint"), region=region)))


class _Folder:
    """A folder, which need not exist, written during a writer's turn. Writes are atomic and survive a power failure."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, key: str) -> bytes:
        try:
            return self._folder.joinpath(key).read_bytes()
        except FileNotFoundError as error:
            raise ObjectNotFound(key) from error

    def write(self, key: str, data: bytes) -> None:
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.new")
        with new.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def create(self, key: str, data: bytes) -> bool:
        if self._folder.joinpath(key).exists():
            return False
        self.write(key, data)
        return True

    def delete(self, key: str) -> None:
        self._folder.joinpath(key).unlink(missing_ok=True)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        folder = self._folder / prefix
        for path in folder.iterdir() if folder.exists() else ():
            yield ObjectInfo(f"{prefix}/{path.name}", 0, "")


def _key(name: str) -> str:
    return f"{_RELEASES}/{name}.json"


def _bytes(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
