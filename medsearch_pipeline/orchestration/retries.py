"""Retries of a step: where a store or the index was busy or out of reach, and nowhere else.

Bad data is a rejection and no failure; a bad setting fails again however often it is tried. Only `Transient` says that the same
call may succeed later. A step that ECS interrupts did not fail at all: it is started again, and goes on where it was.
"""

import functools
import inspect
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError

from medsearch_core.errors import Transient
from medsearch_pipeline.settings import Settings

LONGEST_SECONDS = 600.0


@dataclass(frozen=True)
class Retries:
    """How often a step is tried again, and after how long.

    Args:
        max_retries: tries after the first.
        seconds: before the first retry; twice as long before each further one, up to `LONGEST_SECONDS`, give or take half.
        after_interruption: how often and after how long where the step is told to stop, as ECS tells a task whose machine it
            takes back. None means that who tells it wants it to stop.
    """

    max_retries: int
    seconds: float
    after_interruption: "Retries | None" = None

    @classmethod
    def of(cls, settings: Settings) -> "Retries":
        """Those of a deployment."""
        restarts = Retries(settings.ecs_restarts, settings.ecs_restart_seconds) if settings.executor == "ecs" else None
        return cls(settings.step_retries, settings.step_retry_seconds, restarts)

    def step(self, body: Callable[..., Any]) -> Callable[..., Any]:
        """The body of an asset, whose step Dagster is asked to try again where it raises `Transient`."""

        def returning(context: dg.AssetExecutionContext, *given: Any, **named: Any) -> Any:
            with self._on(context):
                return body(context, *given, **named)

        def yielding(context: dg.AssetExecutionContext, *given: Any, **named: Any) -> Iterator[Any]:
            with self._on(context):
                yield from body(context, *given, **named)

        return functools.wraps(body)(yielding if inspect.isgeneratorfunction(body) else returning)

    @contextmanager
    def _on(self, context: dg.AssetExecutionContext) -> Iterator[None]:
        try:
            yield
        except Transient as fault:
            context.log.warning(f"try {context.retry_number + 1} of {self.max_retries + 1} failed: {fault}")
            raise dg.RetryRequested(self.max_retries, self.wait(context.retry_number)) from fault
        except DagsterExecutionInterruptedError as stop:
            if self.after_interruption is None:
                raise
            context.log.warning(f"try {context.retry_number + 1} of {self.after_interruption.max_retries + 1} was interrupted")
            wait = self.after_interruption.wait(context.retry_number)
            raise dg.RetryRequested(self.after_interruption.max_retries, wait) from stop

    def wait(self, retry: int) -> float:
        """Seconds before a retry, 0 being the first."""
        return min(self.seconds * 2**retry, LONGEST_SECONDS) * random.uniform(0.5, 1.5)  # noqa: S311
