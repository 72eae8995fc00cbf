"""Opens the engine chosen by settings and measurements, and refuses one whose vectors differ from the network's."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import torch

from medsearch_core.errors import ConfigurationError
from medsearch_core.machine.cpus import available_cpus
from medsearch_pipeline.models.engines.attempt import Attempt, reason_of
from medsearch_pipeline.models.engines.choice import EngineOptions, EnginePlan, plans_of
from medsearch_pipeline.models.engines.engine import IN_FLIGHT, Engine
from medsearch_pipeline.models.engines.kept_choice import ChoiceFile, key_of
from medsearch_pipeline.models.engines.machine import detect_capabilities, processor_of
from medsearch_pipeline.models.engines.measurements import Measurement, Measurements
from medsearch_pipeline.models.engines.timing import rates_of
from medsearch_pipeline.models.network import Network

MAX_IMAGES_PER_ROUND = 16
"""On a CPU, where a round has an image for each thread, at least 2. On a GPU a round is what an engine has at once."""
log = logging.getLogger(__name__)


class OpenedEngine(NamedTuple):
    """An engine that runs the network, the dimensions of its vectors, and the measurements if it was chosen by them."""

    engine: Engine
    dimensions: int
    measurements: Measurements | None = None


def open_engine(network: Network, batch_size: int, options: EngineOptions, *, measures_anew: bool = False) -> OpenedEngine:
    """The engine that runs the network fastest here, of those that run it exactly.

    If there are several candidates, they are measured when the network first meets the machine, and the result is kept in the
    cache.

    Args:
        batch_size: images per batch; 0 chooses the best size.
        measures_anew: ignore a kept result, and measure a single candidate too.

    Raises:
        ConfigurationError: there is none. The message gives the reason for each engine.
    """
    threads = options.threads or available_cpus()
    torch.set_num_threads(threads)
    plans = plans_of(options, network.kind, detect_capabilities())
    attempt = Attempt(network, threads, batch_size, options.cache_folder)
    if len(plans) == 1 and not measures_anew:
        return open_first(attempt, plans)
    processor = processor_of(plans[0].device)
    on_gpu = plans[0].device != "cpu"
    kept = ChoiceFile(options.cache_folder, key_of(network, plans, processor, batch_size if on_gpu else threads))
    found = None if measures_anew else kept.read(plans)
    if found is None:
        with kept.turn():
            found = None if measures_anew else kept.read(plans)  # by the process that was waited for
            if found is None:
                opened = measure(attempt, plans, processor, threads)
                if opened.measurements:
                    kept.write(opened.measurements)
                return opened
    return open_first(attempt, [candidate.plan for candidate in found.ranked], found)


def open_first(attempt: Attempt, plans: Iterable[EnginePlan], measurements: Measurements | None = None) -> OpenedEngine:
    """The first of these engines that runs the network exactly.

    Raises:
        ConfigurationError: there is none.
    """
    faults = []
    for plan in plans:
        tried = attempt.at(plan)
        if tried.engine and tried.problem is None:
            return OpenedEngine(tried.engine, tried.dimensions, measurements)
        faults.append(f"{plan}: {tried.problem}")
        measurements = measurements and measurements.without(plan, tried.problem)
        log.info("%s is not run by %s", attempt.model_id, faults[-1])
    raise ConfigurationError(_none_runs(attempt.model_id, faults))


def measure(attempt: Attempt, plans: Sequence[EnginePlan], processor: str, threads: int) -> OpenedEngine:
    """Opens all candidates, measures those that run the network exactly, and returns the best.

    Raises:
        ConfigurationError: there is none.
    """
    tried = {plan: attempt.at(plan) for plan in plans}
    exact = {plan: each.engine for plan, each in tried.items() if each.engine and each.problem is None}
    rates, errors = rates_of({plan: _round(attempt.pictures, engine, plan, threads) for plan, engine in exact.items()})
    problems = {plan: each.problem for plan, each in tried.items()} | {p: reason_of(error) for p, error in errors.items()}
    if not rates:
        raise ConfigurationError(_none_runs(attempt.model_id, [f"{plan}: {problem}" for plan, problem in problems.items()]))
    found = Measurements(
        processor,
        datetime.now(UTC).date().isoformat(),
        tuple(Measurement(plan, _rounded(rates.get(plan)), each.cosine, problems[plan]) for plan, each in tried.items()),
    )
    best = found.ranked[0].plan
    log.info("%s is run by %s here: %s", attempt.model_id, best, "; ".join(map(str, found.ranked)))
    return OpenedEngine(exact[best], tried[best].dimensions, found)


def _round(pictures: np.ndarray, engine: Engine, plan: EnginePlan, threads: int) -> Callable[[], int]:
    images = max(2, min(threads, MAX_IMAGES_PER_ROUND)) if plan.device == "cpu" else IN_FLIGHT * engine.batch_size
    batch = np.resize(pictures, (images, *pictures.shape[1:]))  # repeats them
    return lambda: len(engine.start(batch)())


def _rounded(rate: float | None) -> float | None:
    """To three digits: more are noise."""
    return None if rate is None else float(f"{rate:.3g}")


def _none_runs(model_id: str, faults: Sequence[str]) -> str:
    return f"no engine runs {model_id}. {'. '.join(faults)}"
