"""`ledger`: the state of every landed object, and the check that none is lost between listing and index."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pyarrow as pa

from medsearch_core.errors import StorageError
from medsearch_core.records import LedgerEntry
from medsearch_core.storage.ledger import totals_of
from medsearch_core.storage.warehouse import LEDGER_PATH, Warehouse
from medsearch_pipeline.assets.study_asset import GROUP, asset_spec_arguments, fresh_within
from medsearch_pipeline.checks.reports import ReportJoin, join_of
from medsearch_pipeline.ecs.step_tags import whole_step_tags
from medsearch_pipeline.intake import journal
from medsearch_pipeline.intake.inventory import PATH, read_inventory
from medsearch_pipeline.ledger.catalog import read_catalog
from medsearch_pipeline.ledger.reconciliation import NAMED, Reconciliation, ReconciliationInputs, reconcile
from medsearch_pipeline.ledger.states import LedgerInputs, decide_states
from medsearch_pipeline.messages.counted import counted
from medsearch_pipeline.orchestration.partitions import NAME, Partitions
from medsearch_pipeline.resources import SearchIndexSource, WarehouseResource
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.images import image_digest_for
from medsearch_pipeline.studies.reports import report_digest_for

CHECK = "every_object_is_accounted_for"
COUNTS, REPORTS = "index_counts_are_those_of_parquet", "reports_found_their_studies"
COUNTERS = ("listing", "ledger", "parquet", "index")


def build_ledger(settings: Settings) -> dg.AssetsDefinition:
    """The `ledger` asset of a deployment."""
    due_images, due_reports = image_digest_for(settings), report_digest_for(settings)

    @dg.asset(
        deps=["inventory", "search_index", "catalogue"],
        group_name=GROUP,
        freshness_policy=fresh_within(settings.ledger_fresh_hours),
        kinds={"duckdb", "parquet"},
        check_specs=[
            dg.AssetCheckSpec(
                CHECK, asset="ledger", blocking=False, description="Listing, ledger, Parquet and index agree object by object."
            ),
            dg.AssetCheckSpec(
                COUNTS, asset="ledger", description="Index and tables have the same number of images, reports and studies."
            ),
            dg.AssetCheckSpec(
                REPORTS, asset="ledger", description="Reports are matched to studies, and studies with images have a report."
            ),
        ],
        code_version="1",
        op_tags=whole_step_tags(settings),
        **asset_spec_arguments(LedgerEntry),
    )
    def ledger(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, search_index: dg.ResourceParam[SearchIndexSource]
    ) -> dg.MaterializeResult:
        """One row per landed object with its state, reason and last run, and a tombstone per replaced or deleted version.

        Written only if it differs or the journal has new entries. Run it with `ledger_job`, which refreshes the catalog
        first.
        """
        tables, index = warehouse.tables(context.run.run_id), search_index.open()
        retired = journal.retired(tables)  # before the inventory is read, which contains them
        known = read_inventory(tables, must_exist=True)
        names, taken = {*retired, *known.entries}, tables.entries(LEDGER_PATH)
        evidence = LedgerInputs(
            inventory=known.rows,
            run=tables.run_of(PATH),
            catalog=read_catalog(tables),
            indexed=index.studies(),
            before=_last(tables),
            noticed=journal.changes_in(tables, names - taken),
        )
        rows = decide_states(evidence, due_images, due_reports)
        is_unchanged = tables.inputs(LEDGER_PATH) is not None and rows.equals(evidence.before)
        if not is_unchanged or names - taken:
            tables.write(LEDGER_PATH, rows, entries=names)
        malformed = Partitions.of(context.instance.get_dynamic_partitions(NAME)).malformed
        if malformed:
            context.log.warning(
                f"partitions that name no study, which inventory_job or prune_job removes: {', '.join(malformed)}"
            )
        totals = totals_of(rows)
        context.log.info(f"ledger: {counted(totals.landed, 'object')}, {totals.of('indexed').objects} of them indexed")
        reconciled = reconcile(
            ReconciliationInputs(
                inventory=evidence.inventory,
                ledger=rows,
                studies=evidence.studies,
                indexed=evidence.indexed,
                health=index.health(),
                count=index.count,
            )
        )
        return dg.MaterializeResult(
            metadata={
                **{total.state: total.objects for total in totals.states},
                "objects": totals.landed,
                "images": totals.of("indexed").images,
                "unchanged": int(is_unchanged),
                "malformed_partitions": list(malformed),
                "dagster/row_count": rows.num_rows,
            },
            check_results=[
                _check(reconciled),
                _counts(reconciled),
                _reports(join_of(evidence.inventory, evidence.studies), settings),
            ],
        )

    return ledger


def _last(tables: Warehouse) -> pa.Table:
    try:
        return tables.read(LEDGER_PATH)
    except pa.ArrowException as error:
        raise StorageError(
            f"{LEDGER_PATH} cannot be read: restore it, or delete it, which loses the record of replaced and deleted objects"
        ) from error


def _check(found: Reconciliation) -> dg.AssetCheckResult:
    """The check's result: each difference as a sentence, the totals side by side, and the first keys that differ."""
    return dg.AssetCheckResult(
        check_name=CHECK,
        passed=not found.differences,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(d.message for d in found.differences) or "listing, ledger, Parquet and index agree",
        metadata={
            "differences": len(found.differences),
            "differing_keys": len(found.keys),
            "keys": dg.MetadataValue.json(found.keys[:NAMED]),
            "totals": _side_by_side(found.totals),
        },
    )


def _counts(found: Reconciliation) -> dg.AssetCheckResult:
    """Whether the totals of Parquet and index match."""
    totals = {what: found.totals[what] for what in ("images", "reports", "studies")}
    return dg.AssetCheckResult(
        check_name=COUNTS,
        passed=all(counts["parquet"] == counts["index"] for counts in totals.values()),
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(f"{c['parquet']} {what} in Parquet, {c['index']} in the index" for what, c in totals.items()),
        metadata={f"{who}_{what}": totals[what][who] for what in totals for who in ("parquet", "index")},
    )


def _reports(found: ReportJoin, settings: Settings) -> dg.AssetCheckResult:
    """Warns if too few reports match a study, or too few studies have a report."""
    faults = found.problems(settings.min_joined_reports, settings.min_reported_studies)
    shares = {"joined_share": found.joined_share, "reported_share": found.reported_share}
    return dg.AssetCheckResult(
        check_name=REPORTS,
        passed=not faults,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(faults) or f"{found.joined} of {found.reports} reports were matched to a study",
        metadata={
            "reports": found.reports,
            "joined_reports": found.joined,
            "studies_with_images": found.studies_with_images,
            "studies_with_images_and_report": found.studies_with_report,
            **{name: round(share, 4) for name, share in shares.items() if share is not None},
        },
    )


def _side_by_side(totals: Mapping[str, Mapping[str, int]]) -> dg.TableMetadataValue:
    records = []
    for what, counts in totals.items():
        row: dict[str, Any] = {"what": what, **{who: str(counts.get(who, "")) for who in COUNTERS}}
        records.append(dg.TableRecord(row))
    return dg.MetadataValue.table(records, dg.TableSchema(columns=[dg.TableColumn(c) for c in ("what", *COUNTERS)]))
