"""Waiting for what comes for certain, however slow the machine."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(what: str, is_so: Callable[[], object], seconds: float, every: float = 1.0) -> None:
    """Waits for a condition; raises `TimeoutError` that names it."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not after {seconds:.0f} s: {what}")
        time.sleep(every)
