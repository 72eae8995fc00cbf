"""Which engine measurements choose, and how long candidates are measured: decided from numbers alone."""

from __future__ import annotations

from functools import partial

import pytest

from medsearch_pipeline.models.engines.choice import EnginePlan, Precision
from medsearch_pipeline.models.engines.measurements import Measurement, Measurements
from medsearch_pipeline.models.engines.timing import MAX_ROUNDS, MAX_SECONDS, rates_of


def candidate(engine: str, precision: Precision, rate: float | None) -> Measurement:
    return Measurement(EnginePlan(engine, "cpu", precision), rate, 1.0, None if rate else "it failed")


def ranked(*candidates: Measurement) -> list[str]:
    return [str(each.plan) for each in Measurements("a CPU", "2026-11-30", candidates).ranked]


def test_the_fastest_runs_the_model_and_the_others_follow_by_speed() -> None:
    found = ranked(candidate("openvino", "fp32", 3.7), candidate("torch", "fp32", 2.9), candidate("openvino", "bf16", 2.6))
    assert found == ["openvino fp32", "torch fp32", "openvino bf16"]
    found = ranked(candidate("openvino", "fp32", 5.4), candidate("torch", "fp32", 3.0), candidate("openvino", "bf16", 10.9))
    assert found == ["openvino bf16", "openvino fp32", "torch fp32"]


@pytest.mark.parametrize(("rate", "first"), [(100.0, "fp32"), (104.0, "fp32"), (105.0, "fp32"), (106.0, "bf16")])
def test_bf16_must_be_clearly_faster_than_fp32(rate: float, first: str) -> None:
    slower = candidate("openvino", "fp32", 40.0)
    assert ranked(slower, candidate("torch", "fp32", 100.0), candidate("openvino", "bf16", rate))[0].endswith(first)


@pytest.mark.parametrize(("rate", "first"), [(5.0, "openvino"), (5.2, "openvino"), (5.3, "torch")])
def test_of_equally_fast_ones_the_earlier_engine_wins(rate: float, first: str) -> None:
    assert ranked(candidate("openvino", "fp32", 5.0), candidate("torch", "fp32", rate))[0] == f"{first} fp32"
    assert ranked(candidate("openvino", "bf16", 5.0), candidate("torch", "bf16", rate))[0] == f"{first} bf16"


def test_a_candidate_that_cannot_be_used_is_the_last_resort() -> None:
    found = ranked(candidate("openvino", "fp32", None), candidate("torch", "fp32", 0.1), candidate("openvino", "bf16", None))
    assert found == ["torch fp32", "openvino fp32", "openvino bf16"]


def test_a_candidate_that_fails_later_gives_way_to_the_next() -> None:
    first, second = candidate("openvino", "fp32", 5.0), candidate("torch", "fp32", 3.0)
    changed = Measurements("a CPU", "2026-11-30", (first, second)).without(first.plan, "it fails now")
    assert changed.ranked == [second, Measurement(first.plan, None, 1.0, "it fails now")]


def test_a_run_tells_the_engines_speed_and_its_alternatives() -> None:
    candidates = (candidate("openvino", "fp32", 3.04), candidate("torch", "fp32", 5.0), candidate("torch", "bf16", None))
    assert Measurements("AMD EPYC, 2 CPUs", "2026-11-30", candidates).as_metadata() == {
        "engine_images_per_second": 5.0,
        "engine_alternatives": ["openvino fp32, 3.04 images/s", "torch bf16, not usable: it failed"],
        "engine_measured": "measured on AMD EPYC, 2 CPUs on 2026-11-30",
    }


class Machine:
    """A clock, and candidates whose rounds take the seconds given for each in turn; the last one lasts."""

    def __init__(self, **seconds: list[float]) -> None:
        self.time, self.ran = 0.0, list[str]()
        self._seconds = seconds

    def rates(self) -> dict[str, float]:
        rates, errors = rates_of({name: partial(self._run, name) for name in self._seconds}, lambda: self.time)
        assert not errors
        return rates

    def _run(self, name: str) -> int:
        seconds = self._seconds[name]
        self.ran.append(name)
        self.time += seconds.pop(0) if len(seconds) > 1 else seconds[0]
        return 2


def test_the_fastest_round_counts_because_others_may_have_been_disturbed() -> None:
    assert Machine(a=[0.4, 0.2, 0.5], b=[0.25, 0.4]).rates() == {"a": pytest.approx(10), "b": pytest.approx(8)}


def test_candidates_take_turns_in_both_directions() -> None:
    machine = Machine(a=[0.1], b=[0.1], c=[0.1])
    machine.rates()
    assert machine.ran[:6] == ["a", "b", "c", "c", "b", "a"]


def test_a_clearly_beaten_candidate_has_one_round() -> None:
    machine = Machine(slow=[5.0], fast=[0.5], near=[0.9])
    assert set(machine.rates()) == {"slow", "fast", "near"}
    assert machine.ran.count("slow") == 1
    assert machine.ran.count("near") == 3


def test_a_short_round_does_not_yet_beat_anybody() -> None:
    machine = Machine(disturbed=[0.05, 0.01], even=[0.01])
    assert machine.rates()["disturbed"] == pytest.approx(200)


def test_no_candidate_starts_a_round_after_its_seconds_or_its_rounds() -> None:
    machine = Machine(large=[0.7], small=[0.001])
    machine.rates()
    assert machine.ran.count("large") == 1
    machine = Machine(large=[0.7], larger=[0.8])
    machine.rates()
    assert machine.time < 2 * (MAX_SECONDS + 0.8)
    machine = Machine(small=[0.001])
    machine.rates()
    assert machine.ran.count("small") == MAX_ROUNDS


def test_a_candidate_that_fails_costs_the_others_nothing() -> None:
    failure = RuntimeError("no memory")

    def fail() -> int:
        raise failure

    rates, errors = rates_of({"bad": fail, "good": lambda: 2})
    assert list(rates) == ["good"]
    assert errors == {"bad": failure}
