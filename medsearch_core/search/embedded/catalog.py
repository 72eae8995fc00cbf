"""Which releases the embedded index has, which one is current, and whose turn it is to write.

Belongs here: the small files beside the releases, and the lock. `current` names the release that all are sent to, and since
when; it is replaced in one step. `releases/{name}.json` tells when a release was made and, once another took its place, when it
was published. Nothing is derived from what folders there are, so that a writer killed at any moment disturbs nobody.
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
    """What the catalogue needs of an object store; a bucket's has it all."""

    def read(self, key: str) -> bytes: ...
    def write(self, key: str, data: bytes) -> None: ...
    def create(self, key: str, data: bytes) -> bool: ...
    def delete(self, key: str) -> None: ...
    def list(self, prefix: str = "") -> Iterator[ObjectInfo]: ...


class ReleaseCatalog:
    """The releases of one index. Changes are made in a writer's turn.

    Every method raises `StorageError` when the catalogue cannot be read or written.
    """

    def __init__(self, folder: Path | None, files: Files) -> None:
        """
        Args:
            folder: where writers take turns by a lock; None on an object store, where they do not.
        """
        self._folder = folder
        self._files = files
        self._threads = RLock()
        self._lock: IO[Any] | None = None

    def current(self) -> str | None:
        """The name of the release that all are sent to."""
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
            NoSuchRelease: there is no release of that name, or none can have it.
        """
        if not _NAME.fullmatch(name) or self._read(_key(name)) is None:
            raise NoSuchRelease(f"there is no release {name[:100]!r}: medsearch releases lists them")

    def add(self, name: str) -> None:
        """Enters a new release that was never published."""
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
        """Forgets a release."""
        with failing_as("written"):
            self._files.delete(_key(name))

    @contextmanager
    def turn(self) -> Iterator[None]:
        """While no other process or thread writes to this index. One that has its turn may take it again.

        The lock dies with its process. Writers of an object store take turns within their process only: Lance rejects, and
        they repeat, commits that touch the same rows.
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
    """The catalogue of the index in a folder, or at an object store's URI if there is none.

    Raises:
        ConfigurationError: the object store is of a kind that is not known, or its credentials cannot be found.
    """
    if folder is not None:
        return ReleaseCatalog(folder, _Folder(folder))
    settings = {name.lower(): value for name, value in (*os.environ.items(), *(storage_options or {}).items())}
    region = settings.get("aws_region") or settings.get("aws_default_region")
    return ReleaseCatalog(None, open_store(uri, S3Options(endpoint=settings.get("aws_endpoint"), region=region)))


class _Folder:
    """A folder, which need not exist, written in a writer's turn. What is written survives a power failure, whole."""

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
