"""Counting the steps of a reader, which unlike seconds are the same on every machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def count_steps(read: Callable[[int], object], length: int) -> int:
    """The lines of Python that reading a text of this length executes, loops within one line included."""
    steps = 0

    def trace(_frame: FrameType, _event: str, _argument: Any) -> Any:
        nonlocal steps
        steps += 1
        return trace

    before = sys.gettrace()
    read(length)  # what is read once in a process is read now
    sys.settrace(trace)
    try:
        read(length)
    finally:
        sys.settrace(before)
    return steps
