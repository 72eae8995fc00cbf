"""`inventory`: what has landed, and the partitions that follow from it."""

import dagster as dg

from medsearch_core.records import LandedObject, Rejection
from medsearch_pipeline.discovery import Layout, rejections_of, studies_of
from medsearch_pipeline.inventory import PATH, REJECTIONS_PATH, pseudonym_secret, take_inventory
from medsearch_pipeline.partitions import NAME, register
from medsearch_pipeline.resources import StoreResource, WarehouseResource
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.study_run import asset_spec_arguments, every_object_was_used
from medsearch_pipeline.study_versions import LANDED

CHECK = "every_object_has_a_study"


def build_inventory(settings: Settings) -> dg.AssetsDefinition:
    """The `inventory` asset of a deployment."""
    layout = Layout.of(settings.layout)
    secret = settings.pseudonym_key.get_secret_value() if settings.pseudonym_key else None

    @dg.asset(
        group_name="landing",
        kinds={"python", "parquet"},
        check_specs=[dg.AssetCheckSpec(CHECK, asset="inventory", description="No landed object is left without a study.")],
        code_version="1",
        **asset_spec_arguments(LandedObject),
    )
    def inventory(
        context: dg.AssetExecutionContext, landing: StoreResource, warehouse: WarehouseResource
    ) -> dg.MaterializeResult:
        """One row per landed object: its study, or the reason it has none. Registers a partition for every study."""
        store, tables = landing.open(), warehouse.tables(context.run.run_id)
        before = {o.key: o for o in tables.read_rows(LandedObject, PATH)}
        objects = take_inventory(store, layout, pseudonym_secret(tables.store, secret), before)
        if before and not objects:
            raise dg.Failure(
                f"the landing store is empty, and the last inventory held {len(before)} objects. If it was emptied on purpose, "
                f"delete {PATH} from the warehouse; if not, see whether it is mounted"
            )
        rejections = rejections_of(objects)
        tables.write_rows(Rejection, REJECTIONS_PATH, rejections)
        tables.write_rows(LandedObject, PATH, objects)
        studies = studies_of(objects)
        new = register(context.instance, studies)
        known = context.instance.get_dynamic_partitions(NAME)
        context.log.info(f"inventory: {len(objects)} objects, {len(studies)} studies, {len(new)} of them new")
        return dg.MaterializeResult(
            data_version=LANDED,
            metadata={
                "objects": len(objects),
                "bytes": sum(o.bytes for o in objects),
                "dicom_objects": sum(o.kind == "dicom" for o in objects),
                "reports": sum(o.kind == "report" for o in objects),
                "rejected": len(rejections),
                "studies": len(studies),
                "patients": len({s.patient for s in studies}),
                "new_studies": len(new),
                "studies_no_longer_landed": len(set(known) - {s.partition for s in studies}),
                "dagster/row_count": len(objects),
            },
            check_results=[every_object_was_used("inventory", CHECK, rejections)],
        )

    return inventory
