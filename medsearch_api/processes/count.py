"""How many worker processes there are."""

from __future__ import annotations

from medsearch_api.settings import Settings
from medsearch_core.machine.cpus import available_cpus
from medsearch_core.machine.memory import available_bytes

FIRST_WORKER_BYTES, WORKER_BYTES = 600 * 2**20, 200 * 2**20
"""What the first worker and the bodies on their way take, and each further worker with its decoding processes at rest."""


def count_workers(settings: Settings) -> int:
    """The number that the settings name, or else one per CPU, as far as memory suffices."""
    decoding = int(settings.api_decode_memory_gib * 2**30)
    return settings.api_workers or usual_workers(available_cpus(), available_bytes() - decoding)


def usual_workers(cpus: int, free_bytes: int) -> int:
    """One worker per CPU, at least 1 and no more than fit in the memory beside decoding."""
    return max(1, min(cpus, 1 + (free_bytes - FIRST_WORKER_BYTES) // WORKER_BYTES))
