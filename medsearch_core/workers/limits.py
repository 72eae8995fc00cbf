"""Limits of a worker process, and what its exit code says about the item that it processed."""

from __future__ import annotations

import signal
from dataclasses import dataclass

OUT_OF_MEMORY = 70
"""Exit code of a worker that reached its memory limit."""

TOO_LONG_AN_ANSWER = 71
"""In place of the exit code of a worker that was killed because it announced a longer answer than it may give."""

EXTERNAL_EXIT_CODES = frozenset({None, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP, -signal.SIGALRM})
"""Exit codes of a worker ended from outside: by the kernel (out of memory), a person, or the wall clock; None is unknown."""


@dataclass(frozen=True)
class Limits:
    """Limits for one item.

    Args:
        seconds: CPU time.
        bytes: memory, including the worker's own.
        wall_seconds: wall-clock time, longer than any store's timeout.
    """

    seconds: int
    bytes: int
    wall_seconds: int = 1800


@dataclass(frozen=True)
class ItemFailure:
    """In place of a result: two workers died while processing this item.

    Args:
        is_items_fault: whether the item caused it, so that another attempt would fail too.
    """

    limits: Limits
    is_items_fault: bool

    @property
    def detail(self) -> str:
        """The failure in one sentence."""
        if self.is_items_fault:
            return (
                f"its decoding crashed, took more than {self.limits.seconds} s "
                f"or needed more than {self.limits.bytes / 2**30:g} GiB of memory"
            )
        return (
            "the processes that decoded it were ended from outside (is there enough memory?) "
            f"or waited for more than {self.limits.wall_seconds} s"
        )
