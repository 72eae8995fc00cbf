"""`dagster_storage_is_adequate`: whether Dagster's storage can handle the number of studies."""

import dagster as dg
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage

from medsearch_pipeline.ecs.step_tags import whole_step_tags
from medsearch_pipeline.orchestration.partitions import NAME
from medsearch_pipeline.orchestration.sqlite_limit import COMFORTABLE_ON_SQLITE, advice_for
from medsearch_pipeline.settings import Settings

CHECK = "dagster_storage_is_adequate"


def build_instance_size_check(settings: Settings, comfortable: int = COMFORTABLE_ON_SQLITE) -> dg.AssetChecksDefinition:
    """The check. It only warns, and runs with every inventory, which registers partitions."""

    @dg.asset_check(
        asset="inventory",
        name=CHECK,
        description="Dagster uses Postgres, or there are few enough studies for SQLite.",
        op_tags=whole_step_tags(settings),
    )
    def dagster_storage_is_adequate(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        is_on_sqlite = isinstance(context.instance.event_log_storage, SqliteEventLogStorage)
        partitions = len(context.instance.get_dynamic_partitions(NAME))
        advice = advice_for(is_on_sqlite, partitions, comfortable)
        if advice:
            context.log.warning(advice)
        return dg.AssetCheckResult(
            passed=advice is None,
            severity=dg.AssetCheckSeverity.WARN,
            description=advice or f"{partitions} studies",
            metadata={"partitions": partitions, "storage": "sqlite" if is_on_sqlite else "server"},
        )

    return dagster_storage_is_adequate
