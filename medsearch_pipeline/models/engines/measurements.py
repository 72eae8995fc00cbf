"""`Measurements`: how fast each engine and precision ran a model on a machine, and the choice that follows. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from medsearch_pipeline.models.engines.choice import EnginePlan

MARGIN = 1.05
"""How many times faster than a preferred candidate another must be: less is noise, and not worth the rounding of bf16."""


@dataclass(frozen=True)
class Measurement:
    """One candidate.

    Args:
        images_per_second: in its fastest round; None if it cannot be used.
        cosine: the lowest to the vectors of eager fp32; None if it returned no comparable vectors.
        problem: why it cannot be used, if so.
    """

    plan: EnginePlan
    images_per_second: float | None = None
    cosine: float | None = None
    problem: str | None = None

    def __str__(self) -> str:
        """As people read it: `openvino fp32, 3.7 images/s`."""
        if self.images_per_second is None:
            return f"{self.plan}, not usable: {self.problem}"
        return f"{self.plan}, {self.images_per_second:g} images/s"


@dataclass(frozen=True)
class Measurements:
    """All candidates of a model on a machine.

    Args:
        processor: what they ran on, for people.
        measured_on: the day, as in 2026-11-30.
        candidates: the preferred ones first: fp32, then by engine.
    """

    processor: str
    measured_on: str
    candidates: tuple[Measurement, ...]

    @property
    def plans(self) -> list[EnginePlan]:
        """The candidates' plans, as measured."""
        return [candidate.plan for candidate in self.candidates]

    @property
    def ranked(self) -> list[Measurement]:
        """The best first; candidates that could not be used come last.

        Of those as fast as the fastest, up to `MARGIN`, the preferred one is the best; then the same among the rest.
        """
        ranked: list[Measurement] = []
        rest = list(self.candidates)
        while rest:
            fastest = max(_rate(candidate) for candidate in rest)
            ranked.append(next(candidate for candidate in rest if _rate(candidate) * MARGIN >= fastest))
            rest.remove(ranked[-1])
        return ranked

    def as_metadata(self) -> dict[str, float | str | list[str] | None]:
        """What a run says of its engine: its images per second when it was measured, the alternatives, and where and when."""
        best, *others = self.ranked
        return {
            "engine_images_per_second": best.images_per_second,
            "engine_alternatives": [str(other) for other in others],
            "engine_measured": self.place_and_day,
        }

    def without(self, plan: EnginePlan, problem: str | None) -> Measurements:
        """The same, with a candidate that cannot be used any more."""
        changed = tuple(
            replace(candidate, images_per_second=None, problem=problem) if candidate.plan == plan else candidate
            for candidate in self.candidates
        )
        return replace(self, candidates=changed)

    @property
    def place_and_day(self) -> str:
        """As in `measured on AMD EPYC, 2 CPUs on 2026-11-30`."""
        return f"measured on {self.processor} on {self.measured_on}"


def _rate(candidate: Measurement) -> float:
    return candidate.images_per_second or 0.0
