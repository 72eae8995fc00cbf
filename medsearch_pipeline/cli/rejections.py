"""`medsearch rejections`."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from medsearch_core.storage.object_store import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.accounting import account_of
from medsearch_pipeline.settings import Settings


def print_rejections(console: Console, settings: Settings) -> int:
    """Prints the account of the warehouse; returns 1 if an object is unaccounted for."""
    account = account_of(Warehouse(open_store(settings.warehouse, settings.s3, must_exist=True)))
    table = Table("object", "frame", "reason", "detail")
    for r in account.rejections:
        table.add_row(r.key, str(r.frame or ""), r.reason, r.detail)
    console.print(table)
    console.print(
        f"{account.objects} objects = {account.used_dicom_objects} DICOM objects used ({account.images} images) "
        f"+ {account.used_reports} reports used + {account.rejected_objects} rejected "
        f"+ {len(account.unaccounted)} unaccounted for"
    )
    for key in account.unaccounted:
        console.print(f"unaccounted for: {key}")
    return 1 if account.unaccounted else 0
