"""The releases of the embedded index, which one is current, and the writer's lock.

Belongs here: the small files beside the releases, and the lock. `current` names the release that all searches use, and since
when; it is replaced atomically. `releases/{name}.json` records when a release was created and, once it was superseded, when it
was published. Nothing is derived from existing folders, so a writer that is killed at any moment does no harm.
"""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import IO, Any

from medsearch_core.errors import NoSuchRelease, StorageError
from medsearch_core.search.embedded.durable import failing_as, make_folder, remove_file, replace_file
from medsearch_core.search.releases import Release

_CURRENT, _RELEASES, _LOCK = "current", "releases", "writer.lock"
_NAME = re.compile(r"[a-z0-9-]+")


class ReleaseCatalog:
    """The releases of one index. Change them only while holding the writer's turn.

    Every method raises `StorageError` when the catalog cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        """
        Args:
            folder: it need not exist.
        """
        self._folder = folder
        self._threads = RLock()
        self._lock: IO[Any] | None = None

    def current(self) -> str | None:
        """The name of the current release.

        Raises:
            StorageError: there was one, and the file that names it is missing.
        """
        pointer = self._read(_CURRENT)
        if pointer is not None:
            return str(pointer["release"])
        if any(release.published for release in self.releases()) and self._read(_CURRENT) is None:
            raise StorageError(
                f"the search index has lost its file {_CURRENT!r}: name a release with medsearch rollback (medsearch releases "
                "lists them), or run medsearch reindex"
            )
        return None

    def releases(self) -> list[Release]:
        """All releases, the newest first."""
        with failing_as("read"):
            names = [path.stem for path in self._folder.joinpath(_RELEASES).glob("*.json")]
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

    def publish(self, name: str) -> None:
        """Makes a release current. Its entry says so afterwards, too, so that a lost pointer is noticed."""
        if before := self._read(_CURRENT):
            self._mark_published(before)
        pointer = {"release": name, "published": _now()}
        self._write(_CURRENT, pointer)
        self._mark_published(pointer)

    def _mark_published(self, pointer: dict[str, Any]) -> None:
        entry = self._read(_key(pointer["release"]))
        if entry and entry["published"] != pointer["published"]:
            self._write(_key(pointer["release"]), entry | {"published": pointer["published"]})

    def remove(self, name: str) -> None:
        """Removes a release's entry."""
        with failing_as("written"):
            remove_file(self._folder / _key(name))

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Holds the writer's turn: no other process or thread writes to this index. Reentrant.

        The lock ends with its process.
        """
        with self._threads:
            if self._lock is not None:
                yield
                return
            with failing_as("written"):
                make_folder(self._folder)
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
                found = json.loads(self._folder.joinpath(key).read_bytes())
            except FileNotFoundError:
                return None
        if not isinstance(found, dict) or "published" not in found:
            raise StorageError("a small file beside the releases of the search index is damaged: run medsearch reindex")
        return found

    def _write(self, key: str, value: dict[str, Any]) -> None:
        path = self._folder / key
        with failing_as("written"):
            make_folder(path.parent)
            replace_file(path, json.dumps(value).encode())


def _key(name: str) -> str:
    return f"{_RELEASES}/{name}.json"


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
