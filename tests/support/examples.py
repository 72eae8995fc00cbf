"""How many examples a property is tried with: an eighth of them in a quick run."""

from __future__ import annotations

from hypothesis import settings

ALL = 100
"""What Hypothesis tries by itself."""


def try_fewer() -> None:
    """Has every test that is imported from now on try an eighth of its examples."""
    settings.register_profile("quick", settings(), max_examples=ALL // 8)
    settings.load_profile("quick")


def examples(number: int) -> int:
    """For `settings(max_examples=...)`: so many in the whole suite."""
    return max(number * settings().max_examples // ALL, 2)
