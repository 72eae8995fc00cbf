"""What the runs of all study assets share: their studies, progress, metadata by partition, and the WARN check.

Bad data never fails a run: every partition is materialized, and a rejection is a row, a count and a check.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from medsearch_core.columns import schema_of
from medsearch_core.keys import StudyKey
from medsearch_core.records import EXCLUSIONS, Rejection
from medsearch_pipeline.messages.counted import counted
from medsearch_pipeline.models.availability import require_model
from medsearch_pipeline.orchestration.data_versions import StudyVersion, set_data_versions
from medsearch_pipeline.orchestration.partitions import Partitions
from medsearch_pipeline.orchestration.run_progress import progress_message
from medsearch_pipeline.orchestration.run_tags import SETTINGS_TAG, settings_tags
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.settings_digest import settings_digest

PROGRESS_SECONDS = 5.0
MAX_ROWS_SHOWN = 50
MALFORMED = "a partition key is patient/study: the next inventory removes this one"
GROUP = "medsearch"
"""One group for all assets: with several, Dagster's lineage opens with collapsed groups and hides the assets' states."""
OWNERS = ["team:imaging-data"]


def asset_spec_arguments(record: type, **metadata: Any) -> dict[str, Any]:
    """Metadata of an asset's table: owners, and each column with its type and meaning."""
    columns = [
        dg.TableColumn(
            f.name,
            str(f.type),
            f.metadata[b"description"].decode(),
            dg.TableColumnConstraints(nullable=f.nullable),
        )
        for f in schema_of(record)
    ]
    return {"owners": OWNERS, "metadata": {"dagster/column_schema": dg.TableSchema(columns=columns), **metadata}}


def fresh_within(hours: float) -> dg.FreshnessPolicy:
    """Fresh for this many hours after each run, with a warning after half of them. Dagster's daemon evaluates it."""
    window = timedelta(hours=hours)
    return dg.FreshnessPolicy.time_window(fail_window=window, warn_window=window / 2)


def note_settings(context: dg.AssetExecutionContext, settings: Settings) -> None:
    """Records the settings that a run began with, so that a failed run is retried when they change, whoever launched it."""
    if SETTINGS_TAG not in context.run.tags:
        context.instance.add_run_tags(context.run.run_id, settings_tags(settings_digest(settings)))


def begin_first_step(context: dg.AssetExecutionContext, settings: Settings) -> None:
    """The first action of each asset that a run may begin with: `note_settings`, and a check that the run's model can be
    loaded.

    So a run that cannot embed fails before it decodes or reads anything.

    Raises:
        ConfigurationError: the run embeds, and the model cannot be loaded.
    """
    note_settings(context, settings)
    if dg.AssetKey("embeddings") in context.job_def.asset_layer.executable_asset_keys:
        require_model(settings)


def partitions_of(context: dg.AssetExecutionContext) -> Partitions:
    """The partitions of this run. Those that name no study are logged as a warning and skipped.

    Read once: Dagster rereads every key at each access.
    """
    partitions = Partitions.of(context.partition_keys)
    if partitions.malformed:
        context.log.warning(f"skipped ({MALFORMED}): {', '.join(partitions.malformed)}")
    return partitions


class Progress:
    """Logs a run's progress every few seconds, as counts only."""

    def __init__(self, context: dg.AssetExecutionContext, asset: str, total: int) -> None:
        self._context, self._asset, self._total = context, asset, total
        self._done, self._started, self._said = 0, time.monotonic(), time.monotonic()
        context.log.info(f"{asset}: {counted(total, 'study')} to process")

    def advance(self, _study: StudyKey | None = None) -> None:
        """Counts one more study as done."""
        self._done += 1
        now = time.monotonic()
        if now - self._said >= PROGRESS_SECONDS or self._done == self._total:
            self._said = now
            rate = self._done / max(now - self._started, 1e-9)
            self._context.log.info(progress_message(self._asset, self._done, self._total, rate))


def describe_partitions(
    context: dg.AssetExecutionContext,
    asset: str,
    metadata: Mapping[StudyKey, Mapping[str, Any]],
    versions: Mapping[StudyKey, StudyVersion],
    malformed: Sequence[str],
) -> None:
    """Attaches each study's metadata and data version to its materialization, and a note to that of a malformed partition.

    `context.add_asset_metadata(partition_key=...)` adds one key at a time and rereads every partition key each time
    (70 ms a call at 20,000 keys), so the same accumulator is filled directly.
    """
    step = context.get_step_execution_context()
    described = {study.partition: dict(values) for study, values in metadata.items()}
    for partition, values in {**described, **{key: {"skipped": MALFORMED} for key in malformed}}.items():
        step._metadata_accumulator = step._metadata_accumulator.with_additional_asset_metadata(
            asset_key=dg.AssetKey(asset), metadata=values, partition_key=partition
        )
    set_data_versions(step, asset, versions)


def totals(metadata: Mapping[StudyKey, Mapping[str, Any]], malformed: Sequence[str]) -> dict[str, Any]:
    """The sum over a run of every integer entry, named `run_<entry>`, and the malformed partitions, if any."""
    sums: Counter[str] = Counter()
    for values in metadata.values():
        sums.update({f"run_{name}": value for name, value in values.items() if type(value) is int})
    return {**sums, **({"malformed_partitions": list(malformed)} if malformed else {})}


def every_object_was_used(asset: str, name: str, rejections: Sequence[Rejection]) -> dg.AssetCheckResult:
    """Warns about rejected objects by key and reason. Objects excluded by a rule are only counted."""
    excluded = sum(each.reason in EXCLUSIONS for each in rejections)
    rejections = [each for each in rejections if each.reason not in EXCLUSIONS]
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=name,
        passed=not rejections,
        severity=dg.AssetCheckSeverity.WARN,
        description="every landed object could be used" if not rejections else f"{len(rejections)} could not be used",
        metadata={
            "rejected": len(rejections),
            "excluded": excluded,
            "reasons": dg.MetadataValue.json(dict(Counter(r.reason for r in rejections))),
            "rejections": dg.MetadataValue.table(
                [dg.TableRecord({"key": r.key, "reason": r.reason, "detail": r.detail}) for r in rejections[:MAX_ROWS_SHOWN]],
                dg.TableSchema(columns=[dg.TableColumn(c) for c in ("key", "reason", "detail")]),
            ),
        },
    )
