"""Retries of a step, only if a store or the index was busy or unreachable.

Bad data is a rejection, not a failure, and a bad setting fails on every attempt. Only `Transient` means that the same call may
succeed later. A step that ECS interrupts has not failed: it is restarted and resumes.
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
    """How often a step is retried, and after what delay.

    Args:
        max_retries: attempts after the first.
        seconds: delay before the first retry; doubled for each further one, up to `LONGEST_SECONDS`, with 50 % jitter.
        after_interruption: the retries of a step that receives a stop signal, which ECS sends when it reclaims a machine.
            None means that the signal stops the step for good.
    """

    max_retries: int
    seconds: float
    after_interruption: "Retries | None" = None

    @classmethod
    def of(cls, settings: Settings) -> "Retries":
        """The retries of a deployment."""
        restarts = Retries(settings.ecs_restarts, settings.ecs_restart_seconds) if settings.executor == "ecs" else None
        return cls(settings.step_retries, settings.step_retry_seconds, restarts)

    def step(self, body: Callable[..., Any]) -> Callable[..., Any]:
        """Wraps the body of an asset: asks Dagster to retry the step if it raises `Transient`."""

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
            context.log.warning(f"attempt {context.retry_number + 1} of {self.max_retries + 1} failed: {fault}")
            raise dg.RetryRequested(self.max_retries, self.wait(context.retry_number)) from fault
        except DagsterExecutionInterruptedError as stop:
            if self.after_interruption is None:
                raise
            context.log.warning(
                f"attempt {context.retry_number + 1} of {self.after_interruption.max_retries + 1} was interrupted"
            )
            wait = self.after_interruption.wait(context.retry_number)
            raise dg.RetryRequested(self.after_interruption.max_retries, wait) from stop

    def wait(self, retry: int) -> float:
        """Seconds before a retry; `retry` 0 is the first."""
        return min(self.seconds * 2**retry, LONGEST_SECONDS) * random.uniform(0.5, 1.5)  # noqa: S311
