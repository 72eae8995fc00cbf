"""Writing to a release: a new segment, the hidden studies of older ones, and the one manifest that makes both visible.

Belongs here: what a write has to write, the order of its steps, and clearing up. A writer that is killed before its manifest is
in place has changed nothing; the next one removes the files it left. Writers hold the index's turn (`catalog`).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from medsearch_core.errors import StorageError
from medsearch_core.search.documents import StudyDocuments, is_changed, last_of_each
from medsearch_core.search.embedded.arrays import Content, write_arrays
from medsearch_core.search.embedded.build import content_of
from medsearch_core.search.embedded.durable import failing_as, make_folder, move_away, remove_file, remove_folder
from medsearch_core.search.embedded.manifest import MANIFEST, Manifest, Part, write_manifest
from medsearch_core.search.embedded.merge import Merge, due
from medsearch_core.search.embedded.reader import OF_EARLIER_FORM, SEGMENT_SUFFIX, Reader
from medsearch_core.search.embedded.strings import encoded
from medsearch_core.search.embedded.view import Snapshot, View
from medsearch_core.search.model import check_same, model_of

REMOVED_SUFFIX = ".removed"


def make_release(folder: Path) -> None:
    """Makes an empty release, or completes one whose making was interrupted.

    Raises:
        StorageError: the folder has segments but no manifest, or cannot be written.
    """
    with failing_as("written"):
        if folder.joinpath(MANIFEST).exists() or folder.joinpath(OF_EARLIER_FORM).exists():
            return
        if any(folder.glob(f"*{SEGMENT_SUFFIX}")):
            raise StorageError("the manifest of the search index is missing: run medsearch reindex")
        make_folder(folder)
        write_manifest(folder, Manifest())


def remove_release(folder: Path) -> None:
    """Removes a release in one step, then its files, and what earlier removals left that were interrupted.

    Raises:
        StorageError: the folder cannot be written.
    """
    with failing_as("written"):
        move_away(folder, folder.with_name(f"{folder.name}{REMOVED_SUFFIX}"))
        for removed in folder.parent.glob(f"*{REMOVED_SUFFIX}"):
            remove_folder(removed)


class Writer:
    """Writes one release's folder, which exists. Use it only while holding the turn."""

    def __init__(self, folder: Path, reader: Reader) -> None:
        self._folder = folder
        self._reader = reader

    def upsert(self, studies: Sequence[StudyDocuments]) -> int:
        """Replaces studies in one step; returns how many were written.

        Raises:
            IndexMismatch: the images' vectors differ in model, version or length, from each other or from the stored ones.
            StorageError: the index cannot be written.
        """
        wanted = last_of_each(studies)
        model = model_of(wanted)
        if not wanted:
            return 0
        snapshot = self._reader.snapshot()
        check_same(model, snapshot.model)
        changed = [study for study in wanted if is_changed(study, *_state(snapshot, encoded(study.study.partition)))]
        if changed:
            kept = [study for study in changed if study.images or study.reports]
            content = content_of(kept, model_of(kept)) if kept else None
            self._replace(snapshot, [encoded(study.study.partition) for study in changed], content)
            self._merge(is_compacting=False)
        return len(changed)

    def delete(self, keys: Sequence[str]) -> None:
        """Removes studies in one step; writes nothing if none of them is stored."""
        snapshot = self._reader.snapshot()
        stored = [key for key in map(encoded, keys) if _found(snapshot, key) is not None]
        if stored:
            self._replace(snapshot, stored, None)

    def compact(self, *, into_one: bool = False) -> None:
        """Merges small segments and those of which much is hidden; all of them if asked."""
        self._merge(is_compacting=True, into_one=into_one)

    def _replace(self, snapshot: Snapshot, keys: Sequence[bytes], content: tuple[Content, Mapping[str, Any]] | None) -> None:
        hidden: dict[View, list[int]] = {}
        for key in keys:
            if (found := _found(snapshot, key)) is not None:
                hidden.setdefault(found[0], []).append(found[1])
        parts = []
        for part, view in zip(snapshot.manifest.parts, snapshot.views, strict=True):
            numbers = tuple(sorted({*part.hidden, *hidden.get(view, ())}))
            if len(numbers) < len(view.segment.studies):
                parts.append(replace(part, hidden=numbers))
        self._commit(snapshot, parts, content)

    def _merge(self, *, is_compacting: bool, into_one: bool = False) -> None:
        snapshot = self._reader.snapshot()
        views = snapshot.views
        if into_one:
            chosen = [*range(len(views))] if len(views) > 1 or any(view.hidden for view in views) else []
        else:
            chosen = due(views, is_compacting)
        if chosen:
            with failing_as("compacted"):
                content = Merge([views[number] for number in chosen]).content()
            parts = [part for number, part in enumerate(snapshot.manifest.parts) if number not in set(chosen)]
            self._commit(snapshot, parts, content)

    def _commit(self, before: Snapshot, parts: Sequence[Part], content: tuple[Content, Mapping[str, Any]] | None) -> None:
        """Writes a segment, then the manifest, then removes the files that the manifest does not name."""
        with failing_as("written"):
            version = before.manifest.version + 1
            if content is not None:
                name = f"{version:08}-{secrets.token_hex(4)}{SEGMENT_SUFFIX}"
                parts = [*parts, Part(name, *write_arrays(self._folder / name, *content))]
            write_manifest(self._folder, Manifest(version, tuple(parts)))
            named = {part.file for part in parts}
            for path in self._folder.iterdir():
                if path.suffix == SEGMENT_SUFFIX and path.name not in named:
                    remove_file(path)


def _found(snapshot: Snapshot, key: bytes) -> tuple[View, int] | None:
    """The view that holds a study, and its number there."""
    for view in snapshot.views:
        number = view.number_of(key)
        if number is not None:
            return view, number
    return None


def _state(snapshot: Snapshot, key: bytes) -> tuple[bool, str | None]:
    """Whether a study is stored, and the inputs it was written with."""
    found = _found(snapshot, key)
    return (False, None) if found is None else (True, found[0].segment.inputs.text(found[1]))
