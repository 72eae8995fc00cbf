"""Reading the newest version of a release, while another process may replace it.

Belongs here: noticing a new version, and opening its segments. A reader asks the system for the manifest's identity before each
query and keeps the manifest open, so that its identity is not given to another file. A segment stays mapped as long as a query
uses it, even after a writer has removed its file; if a manifest names a segment that is gone, a newer manifest exists, and is
read instead.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from threading import Lock

from medsearch_core.errors import NoSuchRelease, StorageError
from medsearch_core.search.embedded.durable import failing_as
from medsearch_core.search.embedded.manifest import MANIFEST, Manifest, parse_manifest
from medsearch_core.search.embedded.segment import Segment
from medsearch_core.search.embedded.view import EMPTY, Snapshot, View

OF_EARLIER_FORM = "documents.lance"
SEGMENT_SUFFIX = ".segment"

Identity = tuple[int, int, int, int]


class Reader:
    """Reads one release's folder. Thread-safe."""

    def __init__(self, folder: Path | None) -> None:
        """
        Args:
            folder: None for an index that nothing was written to.
        """
        self._folder = folder or Path()
        self._is_empty = folder is None
        self._lock = Lock()
        self._open: int | None = None
        self._held: tuple[Identity | None, Snapshot] = None, EMPTY

    def __del__(self) -> None:
        self._close()

    def snapshot(self) -> Snapshot:
        """The newest version.

        Raises:
            NoSuchRelease: the release is gone, or was written in the form before segments.
            StorageError: the index cannot be read.
        """
        if self._is_empty:
            return EMPTY
        with failing_as("read"):
            try:
                identity = _identity(os.stat(self._folder / MANIFEST))
            except FileNotFoundError:
                raise self._missing() from None
            held, snapshot = self._held
            if identity != held:
                snapshot = self._newer()
            if not snapshot.is_whole():
                raise StorageError("a file of the search index is truncated: run medsearch reindex")
            return snapshot

    def _newer(self) -> Snapshot:
        with self._lock:
            while True:
                try:
                    handle = os.open(self._folder / MANIFEST, os.O_RDONLY)
                except FileNotFoundError:
                    raise self._missing() from None
                identity = _identity(os.fstat(handle))
                if identity == self._held[0]:
                    os.close(handle)
                    return self._held[1]
                try:
                    manifest = parse_manifest(_content(handle))
                    views = self._views(manifest)
                except FileNotFoundError:
                    os.close(handle)
                    if _identity(os.stat(self._folder / MANIFEST)) == identity:
                        raise StorageError("a file of the search index is missing: run medsearch reindex") from None
                    continue
                except BaseException:
                    os.close(handle)
                    raise
                self._close()
                self._open, self._held = handle, (identity, Snapshot(manifest, views))
                return self._held[1]

    def _views(self, manifest: Manifest) -> list[View]:
        before = self._held[1]
        known = {part.file: view for part, view in zip(before.manifest.parts, before.views, strict=True)}
        views = []
        for part in manifest.parts:
            view = known.get(part.file)
            if view is None:
                views.append(View(Segment(self._folder, part), part.hidden))
            else:
                views.append(view if view.hidden == part.hidden else View(view.segment, part.hidden))
        return views

    def _close(self) -> None:
        if self._open is not None:
            with suppress(OSError):
                os.close(self._open)
            self._open = None

    def _missing(self) -> NoSuchRelease | StorageError:
        if self._folder.joinpath(OF_EARLIER_FORM).exists():
            return NoSuchRelease("this release of the search index has the form of an earlier version: run medsearch reindex")
        if any(self._folder.glob(f"*{SEGMENT_SUFFIX}")):
            return StorageError("the manifest of the search index is missing: run medsearch reindex")
        return NoSuchRelease("this release of the search index is gone")


def _identity(found: os.stat_result) -> Identity:
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def _content(handle: int) -> bytes:
    with os.fdopen(os.dup(handle), "rb") as file:
        return file.read()
