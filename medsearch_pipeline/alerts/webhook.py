"""Posting to a webhook: time-outs, repeated tries, and errors that never hold its address, which is a secret."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from medsearch_core.errors import MedsearchError

BACKOFF_SECONDS = (1.0, 3.0)
TOO_MANY = 429


class AlertNotDelivered(MedsearchError):
    """The webhook did not take an alert. It stays due."""


@dataclass(frozen=True)
class Webhook:
    """Where alerts are posted.

    Args:
        timeout_seconds: of one try.
        backoff_seconds: how long is waited before each further try.
    """

    url: str = field(repr=False)
    timeout_seconds: float
    backoff_seconds: Sequence[float] = BACKOFF_SECONDS

    def post(self, payload: Mapping[str, Any]) -> None:
        """Posts JSON until it is taken.

        Raises:
            AlertNotDelivered: it was refused for good, or every try failed.
        """
        logging.getLogger("httpx").setLevel(logging.WARNING)  # its INFO lines hold the address
        fault = ""
        for wait in (0.0, *self.backoff_seconds):
            time.sleep(wait)
            try:
                status = httpx.post(self.url, json=payload, timeout=self.timeout_seconds).status_code
            except httpx.HTTPError as error:
                fault = type(error).__name__
                continue
            if status < 300:
                return
            fault = f"status {status}"
            if status < 500 and status != TOO_MANY:
                break
        raise AlertNotDelivered(f"the webhook did not take an alert ({fault}): see that MEDSEARCH_ALERT_WEBHOOK is right")
