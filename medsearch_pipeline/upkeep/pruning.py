"""Pruning: removing what the warehouse, the index and Dagster still hold of studies with no landed object.

Belongs here: which studies those are and which partitions may be removed (pure), and removing them. Not here: the job and its
log (`prune_job`). The ledger keeps the tombstones: it is made from the inventory and its own last state.

The last full inventory decides, and the journal since must not contradict it: a study whose removal was only observed stays
until an inventory confirms it. Documents are removed first and the partition last: no search finds a hit without its tables,
and an interrupted prune is completed by the next one. Each batch checks again which studies are landed, pending or in a run. A
study that lands afterwards settles before any run processes it, and that run restores what was removed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dagster import DagsterInstance

from medsearch_core.batched import batched
from medsearch_core.errors import ConfigurationError
from medsearch_core.keys import StudyKey
from medsearch_core.search.index import SearchIndex
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.intake import journal, pending
from medsearch_pipeline.intake.inventory import PATH, current_inventory, studies_in
from medsearch_pipeline.ledger.catalog import COLUMNS
from medsearch_pipeline.orchestration.partition_spans import (
    claimed_partitions,
    has_backfill,
    remove_malformed,
    unfinished_spans,
)
from medsearch_pipeline.orchestration.partitions import NAME, Partitions

BATCH = 500
"""Studies per batch, between two checks of landed objects and active runs."""


@dataclass
class PruneResult:
    """What a prune removed or would remove, including malformed partitions, and what it kept for the next one."""

    studies: list[StudyKey] = field(default_factory=list)
    files: int = 0
    documents: int = 0
    partitions: int = 0
    skipped: list[StudyKey] = field(default_factory=list)
    partitions_skipped: int = 0
    malformed: list[str] = field(default_factory=list)
    malformed_skipped: list[str] = field(default_factory=list)

    def add(
        self,
        studies: list[StudyKey],
        files: int,
        documents: int,
        partitions: int,
        skipped: list[StudyKey],
        partitions_skipped: int,
    ) -> None:
        """Counts a batch."""
        self.studies += studies
        self.files += files
        self.documents += documents
        self.partitions += partitions
        self.skipped += skipped
        self.partitions_skipped += partitions_skipped


@dataclass(frozen=True)
class InFlightWork:
    """Work in progress that protects studies from pruning.

    Args:
        pending: studies whose run the dispatcher has not found yet.
        spans: first and last partition of every unfinished run.
        keys: every partition, in Dagster's order.
    """

    pending: Collection[StudyKey]
    spans: Sequence[tuple[str, str]]
    keys: Sequence[str]

    def claimed(self, studies: Iterable[StudyKey]) -> list[StudyKey]:
        """The studies that must be kept for now."""
        studies = list(studies)
        worked_on = set(claimed_partitions((study.partition for study in studies), self.spans, self.keys))
        return [study for study in studies if study in self.pending or study.partition in worked_on]


def removed_studies(stored: Iterable[StudyKey], landed: Collection[StudyKey]) -> list[StudyKey]:
    """The studies that are stored somewhere but have no landed object, sorted."""
    return sorted(set(stored).difference(landed))


def prune(warehouse: Warehouse, index: SearchIndex, instance: DagsterInstance, *, is_dry: bool = False) -> PruneResult:
    """Removes the studies with no landed object: documents, files, partition. Idempotent.

    Studies in active runs or pending dispatch are kept. While a backfill is active, all partitions are kept, because it would
    break without them.

    Args:
        is_dry: removes nothing.

    Raises:
        ConfigurationError: there is no inventory, so the landed studies are unknown.
    """
    if warehouse.inputs(PATH) is None:
        raise ConfigurationError(f"there is no inventory in {warehouse.store.url}: run inventory_job")
    files, indexed, landed = _files(warehouse), index.studies(), _InventoryStudies(warehouse)
    registered = set(Partitions.of(instance.get_dynamic_partitions(NAME)).studies)
    removed, left = remove_malformed(instance, is_dry=is_dry)
    done = PruneResult(malformed=removed, malformed_skipped=left)
    for batch in batched(removed_studies({*files, *indexed, *registered}, landed.studies()), BATCH):
        still_removed = removed_studies(batch, landed.studies())
        claimed = _in_flight_work(warehouse, instance).claimed(still_removed)
        removable = sorted(set(still_removed).difference(claimed))
        paths = [path for study in removable for path in files.get(study, ())]
        documents = [study for study in removable if study in indexed]
        partitions = [study.partition for study in removable if study in registered]
        kept = partitions if has_backfill(instance) else []
        done.add(removable, len(paths), len(documents), len(partitions) - len(kept), claimed, len(kept))
        if is_dry:
            continue
        if documents:
            index.delete(documents)
        for path in paths:
            warehouse.store.delete(path)
        for key in partitions if not kept else ():
            instance.delete_dynamic_partition(NAME, key)
    if done.documents and not is_dry:
        index.compact()
    return done


class _InventoryStudies:
    """The studies of the last inventory and of changes since, read again when either has changed."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._seen: tuple[str, list[str]] | None = None
        self._studies: set[StudyKey] = set()

    def studies(self) -> set[StudyKey]:
        """The current studies."""
        now = self._warehouse.store.info(PATH).etag, journal.names(self._warehouse)
        if now != self._seen:
            inventory = self._warehouse.columns(PATH, ["patient", "study"])
            self._seen, self._studies = now, {*studies_in(inventory), *studies_in(current_inventory(self._warehouse))}
        return self._studies


def _files(warehouse: Warehouse) -> Mapping[StudyKey, list[str]]:
    """Every study with a file in any table, and its files, including thumbnails; table files come last."""
    found: dict[StudyKey, list[str]] = defaultdict(list)
    for table in COLUMNS:
        for entry in warehouse.store.list(table):
            parts = entry.key.removeprefix(f"{table}/").split("/")
            study = _study("/".join(parts[:2]).removesuffix(".parquet"))
            if study:
                found[study].append(entry.key)
    return {study: sorted(paths, key=lambda path: (path.endswith(".parquet"), path)) for study, paths in found.items()}


def _in_flight_work(warehouse: Warehouse, instance: DagsterInstance) -> InFlightWork:
    state = pending.read(warehouse)
    return InFlightWork(
        pending={row.study for row in state.rows} if state else set(),
        spans=unfinished_spans(instance),
        keys=instance.get_dynamic_partitions(NAME),
    )


def _study(key: str) -> StudyKey | None:
    try:
        return StudyKey.parse(key)
    except ValueError:
        return None
