"""What the study assets need of the inventory: where it lies, a study's landed objects, the secret behind pseudonymous keys.

Looking at the landing store is `intake`'s work; the asset that writes the inventory is `assets/inventory.py`.
"""

from __future__ import annotations

import os

from medsearch_core.storage.object_store import ObjectStore
from medsearch_pipeline.intake.compaction import REJECTIONS_PATH
from medsearch_pipeline.intake.known import PATH, objects_of

__all__ = ["PATH", "REJECTIONS_PATH", "objects_of", "pseudonym_secret"]

_PSEUDONYM_KEY_PATH = "pseudonym.key"


def pseudonym_secret(warehouse: ObjectStore, configured: str | None) -> bytes:
    """The secret behind pseudonymous keys: the configured one, or one made once and kept in the warehouse."""
    if configured:
        return configured.encode()[:64]
    warehouse.create(_PSEUDONYM_KEY_PATH, os.urandom(32))
    return warehouse.read(_PSEUDONYM_KEY_PATH)
