"""`Finding`: what one check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "problem"]
"""A problem keeps the system from working; a warning does not, or not all of it."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check found.

    Attributes:
        check: What was checked, in a word or two.
        message: What is there, or what is wrong.
        setting: The variable that decides it.
        value: The setting's value: an address or a name, never a secret.
        advice: What to do; there for every problem and warning.
    """

    check: str
    level: Level
    message: str
    setting: str | None = None
    value: str | None = None
    advice: str | None = None
