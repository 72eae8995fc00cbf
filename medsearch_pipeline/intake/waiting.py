"""What of the journal the dispatcher has taken. Replaced by the dispatcher's own module when that is merged."""

from __future__ import annotations

from medsearch_core.storage.warehouse import Warehouse


def taken(warehouse: Warehouse) -> set[str] | None:
    """The names of the entries the dispatcher has taken; None where there is no dispatcher."""
    return None
