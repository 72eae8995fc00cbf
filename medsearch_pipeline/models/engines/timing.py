"""Times candidates against each other, in rounds, so that a machine that is busy for a moment misleads nobody."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

MAX_ROUNDS, MAX_SECONDS = 40, 2.0
"""Of a candidate: no further round starts after so many, or after so many seconds."""
CLEARLY_BEATEN, FAIR_SECONDS = 0.5, 0.3
"""A candidate at less than this share of the fastest one's speed gets no further round once it has had these seconds, which the
first round of a large network takes."""
Candidate = TypeVar("Candidate", bound=Hashable)


def rates_of(
    rounds: Mapping[Candidate, Callable[[], int]], now: Callable[[], float] = time.perf_counter
) -> tuple[dict[Candidate, float], dict[Candidate, Exception]]:
    """Images per second of each candidate's fastest round, and the errors of those that failed.

    The candidates take turns, in one direction and then in the other, because threads of the previous one may still be busy.

    Args:
        rounds: candidate → runs one round and returns its number of images. Everything that only the first run needs is done.
        now: the clock, in seconds.
    """
    rates: dict[Candidate, float] = {}
    errors: dict[Candidate, Exception] = {}
    spent = dict.fromkeys(rounds, 0.0)
    for number in range(MAX_ROUNDS):
        running = [c for c in rounds if c not in errors and _goes_on(rates, c, spent[c])]
        for candidate in running if number % 2 == 0 else reversed(running):
            started = now()
            try:
                images = rounds[candidate]()
            except Exception as error:  # noqa: BLE001 - whatever a library raises, the others are measured
                errors[candidate] = error
                rates.pop(candidate, None)
                continue
            seconds = max(now() - started, 1e-9)
            spent[candidate] += seconds
            rates[candidate] = max(rates.get(candidate, 0.0), images / seconds)
    return rates, errors


def _goes_on(rates: Mapping[Candidate, float], candidate: Candidate, spent: float) -> bool:
    if candidate not in rates:
        return True
    is_beaten = spent >= FAIR_SECONDS and rates[candidate] < CLEARLY_BEATEN * max(rates.values())
    return spent < MAX_SECONDS and not is_beaten
