"""The secret for the pseudonymous keys of studies that are grouped by header."""

from __future__ import annotations

import os

from pydantic import SecretStr

from medsearch_core.process.permissions import PSEUDONYM_KEY
from medsearch_core.storage.object_store import ObjectStore


def pseudonym_secret(warehouse: ObjectStore, configured: SecretStr | None) -> bytes:
    """The configured secret, or one generated once and kept in the warehouse, in a folder that only its user can read."""
    if configured:
        return configured.get_secret_value().encode()[:64]
    warehouse.create(PSEUDONYM_KEY, os.urandom(32))
    return warehouse.read(PSEUDONYM_KEY)
