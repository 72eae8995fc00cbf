"""The result of an inspection. No value of a header is in it, except UIDs, codes and numbers that describe pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Parameters = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the chain.

    Args:
        name: of the step, a stable word or two.
        result: what was found or chosen.
        parameters: numbers, names, flags and lists of these, or None.
    """

    name: str
    result: str
    parameters: Parameters = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Where header and bytes contradict each other.

    Args:
        code: a stable word.
        detail: what each says, and which one is followed.
        frame: 1-based, if it is about one frame.
    """

    code: str
    detail: str
    frame: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameInspection:
    """One frame.

    Args:
        frame: 1-based.
        steps: from its bytes to its thumbnail; empty if it cannot be shown.
        disagreements: of its own.
        png: the thumbnail, as the pipeline writes it.
        reason: why it cannot be shown, as in a rejection.
        fault: the same in a sentence.
    """

    frame: int
    steps: tuple[Step, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()
    png: bytes = b""
    reason: str | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelInspection:
    """An object's pixels.

    Args:
        claimed: how many frames the header claims.
        found: how many of them are there.
        steps: what holds for all frames.
        frames: each that is there.
    """

    claimed: int
    found: int
    steps: tuple[Step, ...]
    disagreements: tuple[Disagreement, ...]
    frames: tuple[FrameInspection, ...]
