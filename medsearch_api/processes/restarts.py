"""When a worker that has ended is started again: at once, then after growing pauses as long as it keeps ending early."""

from __future__ import annotations

STABLE_SECONDS = 60.0
"""A worker that lived so long has not ended early."""
MAX_PAUSE_SECONDS = 30.0


class Restarts:
    """The pauses of each slot for a worker.

    Args:
        slots: number of workers.
    """

    def __init__(self, slots: int) -> None:
        self.is_proven = False
        """Whether a worker could be started with these settings."""
        self._early_ends = [0] * slots
        self._due: list[float | None] = [None] * slots

    def note_end(self, slot: int, started_at: float, now: float) -> float:
        """Return the seconds until the slot's next worker is started."""
        self._early_ends[slot] = self._early_ends[slot] + 1 if now - started_at < STABLE_SECONDS else 0
        pause = min(MAX_PAUSE_SECONDS, 2.0 ** (self._early_ends[slot] - 2)) if self._early_ends[slot] > 1 else 0.0
        self._due[slot] = now + pause
        return pause

    def is_due(self, slot: int, now: float) -> bool:
        """Whether a slot without a worker should get one now."""
        due = self._due[slot]
        return due is None or due <= now

    def note_start(self, slot: int) -> None:
        """Its pause, if there was one, is over."""
        self._due[slot] = None

    def seconds_until_due(self, now: float) -> float | None:
        """Seconds until the next pause ends; None if there is none."""
        return min((max(0.0, due - now) for due in self._due if due is not None), default=None)
