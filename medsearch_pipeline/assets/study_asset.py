"""What every study asset's run has in common: which studies, progress, metadata by partition, the WARN check.

Bad data never fails a run here: every partition materialises, and what was refused is a row, a count and a check.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from medsearch_core.keys import StudyKey
from medsearch_core.records import EXCLUSIONS, Rejection, schema_of
from medsearch_pipeline.models.availability import require_model
from medsearch_pipeline.orchestration.data_versions import StudyVersion, set_data_versions
from medsearch_pipeline.orchestration.partitions import Partitions
from medsearch_pipeline.orchestration.run_progress import progress_message
from medsearch_pipeline.orchestration.run_tags import SETTINGS_TAG, settings_tags
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.settings_digest import settings_digest

PROGRESS_SECONDS = 5.0
MAX_ROWS_SHOWN = 50
MALFORMED = "a partition key is spelled patient/study: the next inventory removes this one"
GROUP = "medsearch"
"""The one group of all assets: with several, Dagster's lineage opens with closed groups and shows no asset's state."""
OWNERS = ["team:imaging-data"]


def asset_spec_arguments(record: type, **metadata: Any) -> dict[str, Any]:
    """What an asset tells about its table: owners, and each column with its type and meaning."""
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
    """Fresh for so many hours after each run, with a warning from half of them on. Dagster's daemon evaluates it."""
    window = timedelta(hours=hours)
    return dg.FreshnessPolicy.time_window(fail_window=window, warn_window=window / 2)


def note_settings(context: dg.AssetExecutionContext, settings: Settings) -> None:
    """Notes with which settings a run began, so that a failed one is run again when they change, whoever launched it."""
    if SETTINGS_TAG not in context.run.tags:
        context.instance.add_run_tags(context.run.run_id, settings_tags(settings_digest(settings)))


def begin_first_step(context: dg.AssetExecutionContext, settings: Settings) -> None:
    """What a step does first with which a run may begin: `note_settings`, and makes sure that the run's model can be loaded.

    So a run that embeds fails before anything is decoded or read, and not after all of it.

    Raises:
        ConfigurationError: the run is to embed, and the model cannot be loaded.
    """
    note_settings(context, settings)
    if dg.AssetKey("embeddings") in context.job_def.asset_layer.executable_asset_keys:
        require_model(settings)


def partitions_of(context: dg.AssetExecutionContext) -> Partitions:
    """The studies of this run, and the partitions that name none: a warning, and no reason to stop the others.

    Read once: Dagster rereads every key at each access.
    """
    partitions = Partitions.of(context.partition_keys)
    if partitions.malformed:
        context.log.warning(f"skipped, for {MALFORMED}: {', '.join(partitions.malformed)}")
    return partitions


class Progress:
    """Says how far a run is, every few seconds, in counts alone."""

    def __init__(self, context: dg.AssetExecutionContext, asset: str, total: int) -> None:
        self._context, self._asset, self._total = context, asset, total
        self._done, self._started, self._said = 0, time.monotonic(), time.monotonic()
        context.log.info(f"{asset}: {total} studies to look at")

    def advance(self, _study: StudyKey | None = None) -> None:
        """One more study is done."""
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
    """Attaches each study's metadata and data version to its own materialisation, and to a malformed partition's what it is.

    `context.add_asset_metadata(partition_key=...)` does this one key at a time and rereads every partition key each time
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
    """The sums over a run of every whole-number entry, named `run_<entry>`; and its malformed partitions, if it had any."""
    sums: Counter[str] = Counter()
    for values in metadata.values():
        sums.update({f"run_{name}": value for name, value in values.items() if type(value) is int})
    return {**sums, **({"malformed_partitions": list(malformed)} if malformed else {})}


def every_object_was_used(asset: str, name: str, rejections: Sequence[Rejection]) -> dg.AssetCheckResult:
    """The check that warns, by key and reason, of objects that were refused; what a rule leaves out is counted, no fault."""
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
