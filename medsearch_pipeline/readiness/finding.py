"""`Finding`: the result of one check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "problem"]
"""A problem keeps the system from working; a warning affects only a part of it."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one check.

    Attributes:
        check: What was checked, in a word or two.
        message: What was found, or what is wrong.
        setting: The variable that controls it.
        value: The setting's value: an address or a name, never a secret.
        advice: What to do; set for every problem and warning.
    """

    check: str
    level: Level
    message: str
    setting: str | None = None
    value: str | None = None
    advice: str | None = None

    @property
    def sentence(self) -> str:
        """The finding, its setting and the advice on one line."""
        setting = f" ({self.setting}={self.value})" if self.setting and self.value is not None else ""
        return f"{self.check}: {self.message}{setting}{f': {self.advice}' if self.advice else ''}"
