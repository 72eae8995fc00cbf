"""How many examples a property is tried with: an eighth of them in a quick run. None is judged by the machine's speed."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

ALL = 100
"""What Hypothesis tries by itself."""


def load_profile(is_quick: bool) -> None:
    """Sets what every property is tried with that is imported from now on."""
    number = ALL // 8 if is_quick else ALL
    suppressed = [*settings().suppress_health_check, HealthCheck.too_slow]
    settings.register_profile("medsearch", settings(), max_examples=number, deadline=None, suppress_health_check=suppressed)
    settings.load_profile("medsearch")


def examples(number: int) -> int:
    """For `settings(max_examples=...)`: so many in the whole suite."""
    return max(number * settings().max_examples // ALL, 2)
