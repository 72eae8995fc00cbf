"""The processes that this one started and that have ended."""

from __future__ import annotations

import os
from collections.abc import Iterator


def ended_children() -> Iterator[tuple[int, int]]:
    """Each child that has ended and was not yet asked for: its process ID, and its exit status or minus its signal.

    Does not wait. Only for a process that starts its children itself: others would miss the ends that are told here.
    """
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        yield pid, os.waitstatus_to_exitcode(status)
