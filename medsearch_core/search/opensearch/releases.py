"""Releases on a cluster: pairs of indexes, and the two aliases that point to the current pair.

`<name>-images-<release>` and `<name>-reports-<release>` behind `<name>-images` and `<name>-reports`. The report index's `_meta`
describes the release. An image index belongs to one model; a release without images gets one with its first image, with the
model in its name.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from opensearchpy import OpenSearch

from medsearch_core.errors import NoSuchRelease, StorageError
from medsearch_core.keys import StudyKey
from medsearch_core.search.model import Model
from medsearch_core.search.opensearch.client import failing_as
from medsearch_core.search.opensearch.mappings import images_index, reports_index
from medsearch_core.search.opensearch.options import IndexLayout
from medsearch_core.search.opensearch.reads import IndexNames, model_in
from medsearch_core.search.opensearch.sources import Kind
from medsearch_core.search.releases import Release, model_slug, release_name

LONGEST_POLL_SECONDS = 2.0


class ClusterReleases:
    """The releases under one name on a cluster. Callers hold the writer's lease for every change."""

    def __init__(self, client: OpenSearch, name: str, layout: IndexLayout) -> None:
        self._client = client
        self._layout = layout
        self.aliases = IndexNames(f"{name}-images", f"{name}-reports")
        self._version: tuple[int, ...] = ()
        self._unseen: dict[str, set[StudyKey]] = {}

    def index_names(self, release: str) -> IndexNames:
        """A release's indexes; the image index need not exist."""
        return IndexNames(f"{self.aliases.images}-{release}*", f"{self.aliases.reports}-{release}")

    def all(self) -> list[Release]:
        """All releases, the newest first."""
        params = {"allow_no_indices": "true", "filter_path": "*.aliases,*.mappings._meta"}
        with failing_as("read"):
            found = self._client.indices.get(index=f"{self.aliases.reports}-v*", params=params)
        releases = [
            Release(
                name=index["mappings"]["_meta"]["release"],
                created=datetime.fromisoformat(index["mappings"]["_meta"]["created"]),
                published=_time(index["mappings"]["_meta"].get("published")),
                is_current=self.aliases.reports in index.get("aliases", ()),
            )
            for index in found.values()
        ]
        return sorted(releases, key=lambda r: r.created, reverse=True)

    def current(self) -> str | None:
        """The current release."""
        return next((r.name for r in self.all() if r.is_current), None)

    def get(self, name: str) -> Release:
        """
        Raises:
            NoSuchRelease: there is none of that name.
        """
        for release in self.all():
            if release.name == name:
                return release
        raise NoSuchRelease(f"there is no release {name[:100]!r}: medsearch releases lists them")

    def begin(self, model: Model | None) -> str:
        """Creates an empty release."""
        now = datetime.now(UTC)
        name = release_name(model, now)
        body = reports_index(self._layout, name, now.isoformat())
        with failing_as("written"):
            self._client.indices.create(index=self.index_names(name).reports, body=body)
        if model:
            self._make_images(name, model)
        return name

    def indexes(self, release: str, model: Model | None) -> dict[Kind, str]:
        """The indexes that a release's documents are written to. With a model, creates the index for its images.

        An empty image index of another model is replaced.
        """
        found: dict[Kind, str] = {"reports": self.index_names(release).reports}
        held = self._images(release)
        if held is not None:
            found["images"] = held[0]
        if model is not None and (held is None or held[1] != model):
            found["images"] = self._make_images(release, model, instead_of=held[0] if held else None)
        return found

    def publish(self, release: str) -> None:
        """Points both aliases to a release in one step."""
        now = datetime.now(UTC).isoformat()
        held = self._images(release)
        with failing_as("read"):
            all_indexes = f"{self.aliases.images}-v*,{self.aliases.reports}-v*"
            before = self._client.indices.get(index=all_indexes, params={"filter_path": "*.aliases"})
        ours = (self.aliases.images, self.aliases.reports)
        actions: list[dict[str, Any]] = [
            {"remove": {"index": index, "alias": alias}}
            for index, body in before.items()
            for alias in ours
            if alias in body["aliases"]
        ]
        actions.append({"add": {"index": self.index_names(release).reports, "alias": self.aliases.reports}})
        if held:
            actions.append({"add": {"index": held[0], "alias": self.aliases.images}})
        with failing_as("written"):
            body = self._client.indices.get_mapping(index=self.index_names(release).reports)[self.index_names(release).reports]
            meta = body["mappings"]["_meta"] | {"published": now}
            self._client.indices.put_mapping(index=self.index_names(release).reports, body={"_meta": meta})
            self._client.indices.update_aliases(body={"actions": actions})
        self._copy(release)

    def finish(self, release: str) -> None:
        """Refreshes and merges what was loaded, then adds the configured replicas."""
        self.show(release)
        for index in self._indexes(release):
            self._merge(index)
        self._copy(release)
        if self._layout.engine == "faiss" and (held := self._images(release)):
            with failing_as("read"):
                self._client.transport.perform_request("GET", f"/_plugins/_knn/warmup/{held[0]}")

    def show(self, release: str) -> None:
        """Makes writes visible to readers."""
        with failing_as("written"):
            self._client.indices.refresh(index=",".join(self._indexes(release)))
        self._unseen[release] = set()

    def prepare_write(self, release: str, studies: Iterable[StudyKey]) -> None:
        """Refreshes an unpublished release if it was loaded with any of these studies.

        A write looks up a study's stored documents, and lookups see only what was refreshed; this process refreshes once at its
        start and then whenever a study is written again.
        """
        if self._unseen.get(release) is None or self._unseen[release] & set(studies):
            self.show(release)
        self._unseen[release] |= set(studies)

    def compact(self, release: str) -> None:
        """Merges away deleted documents if they exceed the limit of the indexes' settings."""
        with failing_as("compacted"):
            self._client.indices.forcemerge(index=",".join(self._indexes(release)), params={"only_expunge_deletes": "true"})
        self.show(release)

    def discard(self, release: str) -> None:
        """Deletes a release's indexes."""
        with failing_as("written"):
            self._client.indices.delete(index=",".join(self._indexes(release)))

    def _copy(self, release: str) -> None:
        """Adds the replicas, which are left out during loading."""
        body = {"index": {"number_of_replicas": self._layout.replicas}}
        with failing_as("written"):
            self._client.indices.put_settings(index=",".join(self._indexes(release)), body=body)

    def _indexes(self, release: str) -> list[str]:
        held = self._images(release)
        return [self.index_names(release).reports, *([held[0]] if held else [])]

    def _merge(self, index: str) -> None:
        with failing_as("merged"):
            task = self._client.indices.forcemerge(index=index, params={"max_num_segments": 1, "wait_for_completion": "false"})
            pause = 0.02
            while not (state := self._client.tasks.get(task_id=task["task"]))["completed"]:
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_POLL_SECONDS)
        if "error" in state:
            raise StorageError(f"the search index could not be merged: {state['error']['type']}")

    def _images(self, release: str) -> tuple[str, Model] | None:
        """A release's image index and the model it is for."""
        with failing_as("read"):
            found = self._client.indices.get_mapping(index=self.index_names(release).images)
        for index, body in found.items():
            return index, model_in(body["mappings"]["_meta"])
        return None

    def _make_images(self, release: str, model: Model, instead_of: str | None = None) -> str:
        index = f"{self.aliases.images}-{release}"
        if instead_of or model_slug(model) not in release:
            index += f"-{model_slug(model)}-{model.dimensions}"
        is_current = self.current() == release
        with failing_as("written"):
            self._client.indices.create(index=index, body=images_index(self._layout, model, release, self._server()))
            actions: list[dict[str, Any]] = [{"remove_index": {"index": instead_of}}] if instead_of else []
            if is_current:
                actions.append({"add": {"index": index, "alias": self.aliases.images}})
            if actions:
                self._client.indices.update_aliases(body={"actions": actions})
        if is_current:
            self._copy(release)
        return index

    def _server(self) -> tuple[int, ...]:
        if not self._version:
            self._version = tuple(int(part) for part in self._client.info()["version"]["number"].split(".")[:2])
        return self._version


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
