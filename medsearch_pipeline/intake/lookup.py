"""Looking up named keys in the landing store: the object there now, or its absence.

Belongs here: distinguishing a missing object from a missing store. `recorder` acts on the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from medsearch_core.errors import ObjectNotFound, StorageError
from medsearch_core.storage.object_store import ObjectInfo, ObjectStore
from medsearch_core.storage.s3 import UNADDRESSABLE_KEY

MAX_CONCURRENT_LOOKUPS = 32


@dataclass(frozen=True, slots=True)
class LookupResult:
    """The object under each key (None if absent), the keys that the store cannot address, and errors by key."""

    seen: dict[str, ObjectInfo | None]
    unaddressable: list[str]
    failed: dict[str, StorageError]


def look_up(landing: ObjectStore, keys: Sequence[str]) -> LookupResult:
    """Looks up each key, `MAX_CONCURRENT_LOOKUPS` at a time.

    A missing bucket looks like a missing object, so an object counts as absent only if the store can be listed before and
    after.

    Raises:
        StorageError: the store cannot be listed, or failed at every key.
    """
    landing.check()
    askable = [key for key in keys if not UNADDRESSABLE_KEY.search(key)]

    def look(key: str) -> ObjectInfo | StorageError | None:
        try:
            return landing.info(key)
        except ObjectNotFound:
            return None
        except StorageError as error:
            return error

    with ThreadPoolExecutor(MAX_CONCURRENT_LOOKUPS) as lookers:
        found = dict(zip(askable, lookers.map(look, askable), strict=True))
    failed = {key: error for key, error in found.items() if isinstance(error, StorageError)}
    seen = {key: info for key, info in found.items() if not isinstance(info, StorageError)}
    if failed and not seen:
        raise next(iter(failed.values()))
    if None in seen.values():
        landing.check()
    return LookupResult(seen, [key for key in keys if UNADDRESSABLE_KEY.search(key)], failed)
