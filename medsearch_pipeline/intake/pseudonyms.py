"""The secret behind the keys of studies that are grouped by their headers."""

from __future__ import annotations

import os

from pydantic import SecretStr

from medsearch_core.storage.object_store import ObjectStore

PATH = "pseudonym.key"


def pseudonym_secret(warehouse: ObjectStore, configured: SecretStr | None) -> bytes:
    """The configured secret, or one made once and kept in the warehouse."""
    if configured:
        return configured.get_secret_value().encode()[:64]
    warehouse.create(PATH, os.urandom(32))
    return warehouse.read(PATH)
